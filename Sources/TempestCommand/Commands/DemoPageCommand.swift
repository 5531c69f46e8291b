// A page without a queue: what fronts are measured against. Before it: Hummingbird. After it: whoever compares.

import ArgumentParser
import Foundation
import Hummingbird
import Logging
import NIOCore

struct DemoPageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-page",
        abstract: "Serve one page straight from Hummingbird, without a queue, as a measure for fronts.",
        discussion: """
            GET /       hello, world
            GET /hold   is not answered for an hour: an idle held connection

            EXAMPLE
              tempest demo-page --listen 127.0.0.1:8081
            """,
        shouldDisplay: false)

    @Option(help: "Where to listen.")
    var listen = "127.0.0.1:8081"

    func run() async throws {
        let parts = listen.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw ValidationError("--listen: HOST:PORT") }
        let router = Router()
        router.get("/") { _, _ in "hello, world\n" }
        router.get("/hold") { _, _ in
            try await Task.sleep(for: .seconds(3600))
            return "held\n"
        }
        var logger = Logger(label: "tempest.page")
        logger.logLevel = .warning
        let application = Application(
            router: router, configuration: .init(address: .hostname(String(parts[0]), port: port)), logger: logger)
        do {
            try await application.runService()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CommandFailure(TakenPort.message(listen, cure: "--listen"))
        }
    }
}

import ArgumentParser
import Foundation
import ServiceLifecycle
import Tempest
import TempestTesting
import UnixSignals

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run a private Redis until Ctrl-C, and print its URL.",
        discussion: """
            It listens on 127.0.0.1 only, keeps nothing on disk, and is gone afterwards.

            EXAMPLE
              tempest dev --port 6390
              export REDIS_URL=redis://127.0.0.1:6390
            """)

    @Option(help: "The TCP port; without it a free one.")
    var port: Int?

    func validate() throws {
        if let port, !(1...65535).contains(port) { throw ValidationError("--port: 1 to 65535") }
    }

    func run() async throws {
        let port = port
        // Until Ctrl-C is what was asked for: no failure.
        try await Interruptible.run(status: 0) {
            var options = PrivateRedis.Options()
            if let port, TakenPort.isTaken(port) { throw CommandFailure(TakenPort.message("127.0.0.1:\(port)", cure: "--port")) }
            if let port { options.arguments = ["--port", String(port)] } else { options.tcp = true }
            try await withPrivateRedis(options) { redis in
                let url = port.map { "redis://127.0.0.1:\($0)" } ?? redis.tcpURL ?? redis.url
                try StandardOutput.say("export REDIS_URL=\(url)")
                StandardError.say("A private Redis runs here until Ctrl-C; nothing of it is kept.")
                try await Task.sleep(for: .seconds(60 * 60 * 24 * 365))
            }
        }
    }
}

/// Runs something until SIGINT or SIGTERM, then cancels it and waits for it to clean up.
enum Interruptible {
    /// `status`: how the program ends when it is interrupted; nil: as shells report the signal, 130 or 143.
    static func run(status: Int32? = nil, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask {
                for await signal in signals { return status ?? 128 + signal.rawValue }
                return nil
            }
            group.addTask {
                try await body()
                return nil
            }
            do {
                let interrupted = try await group.next() ?? nil
                group.cancelAll()
                while let _ = try? await group.next() {}
                if let interrupted { throw ExitCode(interrupted) }
            } catch {
                group.cancelAll()
                throw error
            }
        }
    }
}

import Foundation
import Tempest
import TempestFront
import TempestTesting
import Testing

/// Workers in the manner of node-tempest, py-tempest and ruby-tempest (Tests/Original) behind our front.
@Suite("Workers of the original behind a whole front", .timeLimit(.minutes(2)))
struct OriginalWholeTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Original").path

    private static func runner(_ file: String, _ port: Int) -> ProcessRunner {
        let environment = ProcessInfo.processInfo.environment
        return switch file.split(separator: ".").last {
        case "py": ProcessRunner(environment["PYTHON"] ?? "/usr/bin/python3", ["-u", "\(folder)/\(file)", "\(port)", "legacy"])
        case "rb": ProcessRunner(environment["RUBY"] ?? "ruby", ["\(folder)/\(file)", "\(port)", "legacy"])
        default: ProcessRunner("node", ["\(folder)/\(file)", "\(port)", "legacy"])
        }
    }

    @Test("An unmodified worker answers browsers, beside routes of ours", arguments: ["worker.js", "worker.py", "worker.rb"])
    func pages(_ file: String) async throws {
        try await RunningFront.run(["/old/*=legacy", "/*=pages"], redis: .init(tcp: true)) {
            $0.routes[0].isOriginal = true
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "new \(request.url)") }
        } _: { front in
            let port = try #require(front.redis.tcpURL?.split(separator: ":").last.flatMap { Int($0) })
            try await Self.runner(file, port).run { worker in
                try await worker.waitForLine { $0 == "ready" }
                let reply = try await front.get("/old/a?b=c")
                #expect(reply.status == 200 && reply.text.hasPrefix("GET /old/a?b=c by "), "\(reply)")
                #expect(reply.header("content-type") == "text/plain")
                #expect(try await front.get("/other").text == "new /other")
                try await withThrowingTaskGroup(of: (Int, Reply).self) { group in
                    for number in 0..<30 {
                        group.addTask { (number, try await front.get("/old/\(number)")) }
                    }
                    for try await (number, reply) in group {
                        #expect(reply.text.hasPrefix("GET /old/\(number) by "), "each browser gets its own")
                    }
                }
            }
        }
    }

    @Test("When no worker is there the browser is told 504, and the readiness of the others says nothing of it")
    func absent() async throws {
        try await RunningFront.run(["/old/*=legacy", "/*=pages"]) {
            $0.routes[0].isOriginal = true
            $0.routes[0].deadline = .milliseconds(300)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "new \(request.url)") }
        } _: { front in
            #expect(try await front.get("/old/a").status == 504)
            #expect(try await front.get("/other").text == "new /other")
            try await eventually("ready") { try await front.get("/readyz").status == 200 }
        }
    }
}

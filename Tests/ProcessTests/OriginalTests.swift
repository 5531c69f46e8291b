import Foundation
import Tempest
import TempestRedis
import TempestTesting
import Testing

/// Workers and a front in the manner of node-tempest, py-tempest and ruby-tempest (Tests/Original), against ours.
@Suite("The originals")
struct OriginalTests {
    private static let folder = "\(Program.root)/Tests/Original"

    /// The command of a stand-in: its language's program and its file.
    private static func program(_ file: String) -> [String] {
        let environment = ProcessInfo.processInfo.environment
        switch file.split(separator: ".").last {
        case "py": return [environment["PYTHON"] ?? "/usr/bin/python3", "-u", "\(folder)/\(file)"]
        case "rb": return [environment["RUBY"] ?? "ruby", "\(folder)/\(file)"]
        default: return ["node", "\(folder)/\(file)"]
        }
    }

    private static func runner(_ file: String, _ port: Int, _ arguments: [String]) -> ProcessRunner {
        let words = program(file)
        return ProcessRunner(words[0], Array(words.dropFirst()) + ["\(port)"] + arguments)
    }

    private func port(_ redis: PrivateRedis) throws -> Int {
        try #require(redis.tcpURL?.split(separator: ":").last.flatMap { Int($0) })
    }

    private func client(_ redis: PrivateRedis) throws -> TempestClient {
        var options = ClientOptions()
        options.original.queues = ["legacy"]
        return try TempestClient(redis: RedisConfiguration(url: redis.url), options: options)
    }

    @Test(
        "Our client calls an unmodified worker, a hundred times and more at once",
        arguments: ["worker.js", "worker.py", "worker.rb"])
    func worker(_ file: String) async throws {
        try await withPrivateRedis(.init(tcp: true)) { redis in
            try await Self.runner(file, port(redis), ["other", "legacy"]).run { worker in
                try await worker.waitForLine { $0 == "ready" }
                let client = try client(redis)
                let sum: Int = try await client.call("add", 2, 3, queue: "legacy")
                #expect(sum == 5)
                let text: String = try await client.call("shout", "grüße 🌪", queue: "legacy")
                #expect(text == "GRÜSSE 🌪")
                let request = WebRequest(url: "/a?b=c", headers: ["host": "x"])
                // Its three elements are the answer's args.
                let parts: [Value] = try await client.call("url", request, queue: "legacy")
                #expect(parts.count == 3 && parts.first == 200)
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<150 {
                        group.addTask { try await client.call("add", number, 1, queue: "legacy") == number + 1 }
                    }
                    for try await isRight in group { #expect(isRight) }
                }
                await client.shutdown()
                // What it writes comes by another way than its answers.
                try await eventually("it has said so") { worker.output.count { $0.contains("answered") } >= 150 }
                #expect(!worker.output.contains { $0.contains("refused") || $0.contains("rror") }, "\(worker.output.suffix(5))")
            }
        }
    }

    @Test(
        "A second answer, and one that comes after its caller has gone, end no worker",
        arguments: ["worker.py", "worker.rb", "worker.js"])
    func late(_ file: String) async throws {
        try await withPrivateRedis(.init(tcp: true)) { redis in
            let client = try client(redis)
            let error = await #expect(throws: CallError.self) {
                try await client.call("add", 1, 1, queue: "legacy", timeout: .milliseconds(50))
            }
            #expect(error?.code == .timedOut)
            try await Self.runner(file, port(redis), ["legacy"]).run { worker in
                try await worker.waitForLine { $0.contains("answered") && $0.contains("LATE") }
                if file == "worker.js" {
                    let first: String = try await client.call("twice", queue: "legacy")
                    #expect(first == "first")
                }
                let sum: Int = try await client.call("add", 2, 3, queue: "legacy")
                #expect(sum == 5)
            }
            await client.shutdown()
        }
    }

    @Test("A front of node-tempest gets its pages from our worker by direct answers")
    func front() async throws {
        try await withPrivateRedis(.init(tcp: true)) { redis in
            var options = WorkerOptions()
            options.directAnswers = try AllowedNetworks(["127.0.0.1/32"])
            let worker = try Worker(queues: ["legacy"], redis: RedisConfiguration(url: redis.url), options: options)
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                if request.url == "/fail" { throw HandlerError(code: "no_cat", message: "a secret") }
                return WebAnswer(status: request.url == "/none" ? 404 : 200, text: "\(request.method) \(request.url) by Swift")
            }
            let (status, output) = try await withRunning(worker) {
                try await Self.front(port(redis), ["/a?b=c", "/none", "/fail", "/d"])
            }
            #expect(status == .exited(0))
            #expect(
                output == [
                    "got /a?b=c 200 GET /a?b=c by Swift", "got /none 404 GET /none by Swift",
                    "got /fail 500 Internal Server Error",
                    "got /d 200 GET /d by Swift", "done",
                ])
        }
    }

    /// Runs the front, which asks itself for the paths, to its end.
    private static func front(_ port: Int, _ paths: [String]) async throws -> (TempestTesting.ExitStatus, [String]) {
        try await runner("front.js", port, ["legacy"] + paths).run { front in
            (try await front.waitForExit(within: .seconds(20)), front.output)
        }
    }

    @Test(
        "The stand-ins understand each other, so that what they test is theirs",
        arguments: ["worker.js", "worker.py", "worker.rb"])
    func among(_ file: String) async throws {
        try await withPrivateRedis(.init(tcp: true)) { redis in
            try await Self.runner(file, port(redis), ["legacy"]).run { worker in
                try await worker.waitForLine { $0 == "ready" }
                let (status, output) = try await Self.front(port(redis), ["/a"])
                #expect(status == .exited(0))
                #expect(output.first?.hasPrefix("got /a 200 GET /a by ") == true, "\(output)")
            }
        }
    }
}

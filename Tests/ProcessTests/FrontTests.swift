// `tempest front` as a process: what it prints, what ends it, and how.

import Foundation
import Logging
import Tempest
import TempestTesting
import Testing

@Suite("The program that is a front", .timeLimit(.minutes(3)))
struct FrontTests {
    /// A front that runs, and curl.
    struct Running {
        let child: ChildProcess
        let port: Int

        /// The body's lines and one with the status, and curl's exit status.
        func get(_ path: String, _ words: String...) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
            let all = ["-sS", "--max-time", "30", "-w", "\\n%{http_code}\\n"] + words + ["http://127.0.0.1:\(port)\(path)"]
            return try await ProcessRunner("curl", all).run { curl in
                let status = try await curl.waitForExit(within: .seconds(40))
                return (status, curl.output.filter { !$0.isEmpty })
            }
        }

        func status(_ path: String) async throws -> Int {
            try await get(path, "-o", "/dev/null").output.last.flatMap { Int($0) } ?? 0
        }

        static func run<R: Sendable>(
            _ words: [String] = ["--route", "/*=pages"], redis: PrivateRedis, environment: [String: String?] = [:],
            _ body: (Running) async throws -> R
        ) async throws -> R {
            var runner = try Program.runner(["front", "--listen", "127.0.0.1:0"] + words, redis: redis)
            runner.environment.merge(environment) { $1 }
            return try await runner.run { child in
                let line = try await child.waitForLine { $0.contains("listening on 127.0.0.1:") }
                let digits = line.ranges(of: "127.0.0.1:").last.map { line[$0.upperBound...].prefix { $0.isNumber } } ?? ""
                return try await body(Running(child: child, port: try #require(Int(digits), "\(line)")))
            }
        }
    }

    private func run<R: Sendable>(
        _ words: [String] = ["--route", "/*=pages"], redis: PrivateRedis, _ body: (Running) async throws -> R
    ) async throws -> R {
        try await Running.run(words, redis: redis, body)
    }

    /// A worker of the queue `pages` that holds `/held` until it is told to go on.
    private func withPages<R>(
        _ redis: PrivateRedis, gate: AsyncStream<Void>, _ body: (TempestClient) async throws -> R
    ) async throws -> R {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let address = try RedisConfiguration(url: redis.url)
        let worker = try Worker(queues: ["pages"], redis: address, logger: logger)
        worker.handle("url") { (_: JobContext, request: WebRequest) in
            if request.path == "/held" {
                var iterator = gate.makeAsyncIterator()
                _ = await iterator.next()
            }
            return WebAnswer(text: "\(request.method) \(request.url)")
        }
        let client = try TempestClient(redis: address, logger: logger)
        return try await withRunning(worker) {
            let result: Result<R, any Error>
            do { result = .success(try await body(client)) } catch { result = .failure(error) }
            await client.shutdown()
            return try result.get()
        }
    }

    @Test("It says where it listens, and logs each request without its query; SIGTERM ends it with 0")
    func serves() async throws {
        try await withPrivateRedis { redis in
            try await withPages(redis, gate: AsyncStream { $0.finish() }) { _ in
                try await run(redis: redis) { front in
                    let reply = try await front.get("/a?secret=1")
                    #expect(reply.output == ["GET /a?secret=1", "200"])
                    #expect(try await front.get("/healthz").output == ["ok", "200"])
                    let line = try await front.child.waitForLine { $0.contains("path=/a") }
                    for part in ["method=GET", "status=200", "duration_ms=", "client=127.0.0.1"] {
                        #expect(line.contains(part), "\(line)")
                    }
                    #expect(!front.child.output.contains { $0.contains("secret") })
                    try front.child.send(.terminate)
                    #expect(try await front.child.waitForExit(within: .seconds(10)) == .exited(0))
                }
                try await run(["--route", "/*=pages", "--no-access-log"], redis: redis) { front in
                    #expect(try await front.status("/quiet") == 200)
                    try front.child.send(.interrupt)
                    #expect(try await front.child.waitForExit(within: .seconds(10)) == .exited(0))
                    #expect(!front.child.output.contains { $0.contains("/quiet") })
                }
            }
        }
    }

    @Test("SIGTERM finishes the request that is held, lets nobody new in, and ends with 0")
    func drains() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await withPrivateRedis { redis in
            try await withPages(redis, gate: gate.stream) { client in
                try await run(redis: redis) { front in
                    async let held = front.get("/held")
                    try await eventually("it is held") { try await client.statistics(QueueName("pages")).running == 1 }
                    try front.child.send(.terminate)
                    try await eventually("nobody is let in") {
                        let (status, output) = try await front.get("/new")
                        return status != .exited(0) || output.last == "503"
                    }
                    #expect(front.child.exitStatus == nil, "it waits for what it holds")
                    gate.continuation.finish()
                    #expect(try await held.output == ["GET /held", "200"])
                    #expect(try await front.child.waitForExit(within: .seconds(10)) == .exited(0))
                }
            }
        }
    }

    @Test("Who is still held after the grace is told 503")
    func grace() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await withPrivateRedis { redis in
            try await withPages(redis, gate: gate.stream) { client in
                try await run(["--route", "/*=pages", "--grace", "0.2"], redis: redis) { front in
                    async let held = front.get("/held")
                    try await eventually("it is held") { try await client.statistics(QueueName("pages")).running == 1 }
                    try front.child.send(.terminate)
                    #expect(try await held.output.last == "503")
                    #expect(try await front.child.waitForExit(within: .seconds(10)) == .exited(0))
                }
                gate.continuation.finish()
            }
        }
    }

    @Test("Without Redis it lives and is not ready, and SIGTERM ends it soon; with Redis again it is ready")
    func redis() async throws {
        try await withPrivateRedis { redis in
            try await run(redis: redis) { front in
                try await eventually("ready") { try await front.status("/readyz") == 200 }
                #expect(try await front.get("/readyz").output == ["ok", "200"])
                try await redis.kill()
                try await eventually("not ready") { try await front.status("/readyz") == 503 }
                #expect(try await front.status("/healthz") == 200)
                try await redis.start()
                try await eventually(within: .seconds(30), "ready again") { try await front.status("/readyz") == 200 }
                try await redis.kill()
                try await eventually("not ready") { try await front.status("/readyz") == 503 }
                try front.child.send(.terminate)
                #expect(try await front.child.waitForExit(within: .seconds(15)) == .exited(0))
                try await redis.start()
            }
        }
    }

    @Test("It begins without Redis too, says so, and ends soon")
    func without() async throws {
        try await withPrivateRedis { redis in
            try await redis.kill()
            try await run(redis: redis) { front in
                #expect(try await front.status("/healthz") == 200)
                #expect(try await front.status("/readyz") == 503)
                try front.child.send(.terminate)
                #expect(try await front.child.waitForExit(within: .seconds(15)) == .exited(0))
            }
            try await redis.start()
        }
    }

    @Test("A file's routes of original queues are original, and its uploads keep what an option does not name")
    func file() async throws {
        try await withTemporaryDirectory { folder in
            let file = "\(folder)/front.yaml"
            let text = """
                uploads: {folder: \(folder)/elsewhere, limit: 5000}
                body: 1000
                routes:
                  - {path: /old/*, queue: legacy, original: true, deadline: 0.3}
                  - {path: /*, queue: pages, deadline: 0.3}
                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            try await withPrivateRedis { redis in
                try await run(["--config", file, "--uploads", "\(folder)/uploads"], redis: redis) { front in
                    #expect(try await front.status("/old/x") == 504)
                    let job = try await Program.run(["peek", "legacy", "--json"], redis: redis)
                    #expect(job.output.isEmpty || !job.output[0].contains("tempest"), "\(job.output)")
                    let body = "\(folder)/body"
                    try Data(repeating: 65, count: 6000).write(to: URL(fileURLWithPath: body))
                    let large = try await front.get("/x", "--data-binary", "@\(body)", "-o", "/dev/null")
                    #expect(large.output.last == "413")
                    #expect(!FileManager.default.fileExists(atPath: "\(folder)/elsewhere"))
                    #expect(FileManager.default.fileExists(atPath: "\(folder)/uploads"))
                }
            }
        }
    }

    @Test(
        "What it is told wrongly it says, and does not begin",
        arguments: [
            ([], "name a route"), (["--route", "pages"], "is not a route"), (["--route", "/a*=x"], "* stands only at the end"),
            (["--route", "/a=x", "--route", "/a=y"], "two routes for /a"),
            (["--listen", "here"], "is not an address to listen on"),
            (["--route", "/*=x", "--tls-cert", "a.pem"], "come together"),
            (["--route", "/*=x", "--tls-cert", "none.pem", "--tls-key", "none.key"], "none.pem"),
            (["--route", "/*=x", "--trust", "10.0.0.0/99"], "is no network"),
            (["--route", "/*=x", "--codec", "xml"], "there is no codec"), (["--config", "nowhere.yaml"], "cannot be read"),
            (["--route", "/*=x", "--sub", "a b"], "is no pattern of channels"),
            (["--route", "/*=x", "--uploads", "/dev/null"], "is no folder"),
            (["--route", "/*=x", "--redis", "http://x"], "is not one of redis"), (["--rout", "/*=x"], "Unknown option"),
        ])
    func mistakes(_ words: [String], _ message: String) async throws {
        let (status, output) = try await Program.run(["front", "--listen", "127.0.0.1:0"] + words)
        #expect(status == .exited(64) || status == .exited(1), "\(output)")
        #expect(output.joined(separator: "\n").contains(message), "\(output)")
    }

    @Test(
        "A file that is no configuration is refused with its line",
        arguments: [
            ("lisen: ':0'", "line 1: there is no setting \"lisen\""),
            ("routes:\n  - {path: /*}", "line 2: the route has no `queue`"),
            ("routes:\n  - path: /*\n    queue: pages\n    route: 'a,,b'", "line 4: `route`"), ("a: [", "front.yaml"),
            ("", "is empty"),
            ("routes:\n  - {path: /*, queue: pages, user: true}", "sessions"),
            ("sessions: {idle: 100, absolute: 10}\nroutes:\n  - {path: /*, queue: pages}", "absolute"),
        ])
    func badFile(_ text: String, _ message: String) async throws {
        try await withTemporaryDirectory { folder in
            let file = "\(folder)/front.yaml"
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            let (status, output) = try await Program.run(["front", "--listen", "127.0.0.1:0", "--config", file])
            #expect(status == .exited(64) || status == .exited(1), "\(output)")
            #expect(output.joined(separator: "\n").contains(message), "\(output)")
        }
    }
}

import HTTPTypes
import Logging
import Tempest
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Requests that are run once")
struct OnceRequestTests {
    @Test(
        "A request says once unless its method is idempotent, it has a key, or its route says always",
        arguments: [
            ("GET", "", false), ("HEAD", "", false), ("OPTIONS", "", false), ("TRACE", "", false), ("PUT", "", false),
            ("DELETE", "", false), ("POST", "", true), ("PATCH", "", true), ("REPORT", "", true), ("POST", "abc", false),
            ("PATCH", "abc", false),
        ])
    func rule(_ method: String, _ key: String, _ once: Bool) throws {
        var request = HTTPRequest(method: try #require(.init(method)), scheme: "http", authority: "t", path: "/")
        if !key.isEmpty { request.headerFields[try #require(.init("Idempotency-Key"))] = key }
        #expect(FrontRoute.Again.safe.isOnce(request) == once)
        #expect(!FrontRoute.Again.always.isOnce(request))
    }

    @Test("The front's file says it for a route")
    func file() throws {
        let front = try FrontFile.read(
            "routes:\n- path: /a\n  queue: q\n- path: /b\n  queue: q\n  again: always\n", file: "front.yaml")
        #expect(front.routes.map(\.again) == [.safe, .always])
        #expect { try FrontFile.read("routes:\n- path: /a\n  queue: q\n  again: never\n", file: "front.yaml") } throws: {
            "\($0)".contains("line 4") && "\($0)".contains("safe or always")
        }
    }

    /// A process that claims the only job of the queue `held`, marks it as begun if it says `once`, and dies.
    private func die(_ front: RunningFront, _ redis: RedisClient, _ name: String, reaped: Bool = true) async throws -> Bool {
        try await eventually("it waits") { try await redis.execute(["LLEN", "held"]).integer == 1 }
        func call(_ function: String, _ arguments: [RedisArgument]) async throws -> RedisReply {
            try await redis.execute(.fcall("tempest1_" + function, key: "held", [.init(name)] + arguments))
        }
        _ = try await call("hello", ["new"])
        _ = try await redis.execute(["SADD", "tempest:queues", "held"])
        let claimed = try await call("claim", ["1", "1", "1000000", "default"])
        let payload = try #require(claimed.array?[3].array?.first?.bytes)
        let once = JobRules(try Job(payload, codecs: .standard, limits: .standard).meta).once
        if once { _ = try await call("begin", [.init("default.1")]) }
        if reaped {
            _ = try await Reaper(redis: redis, logger: Logger(label: "test")).reap(prefix: name)
        } else {
            _ = try await call("reap", ["*", "told"])
        }
        return once
    }

    @Test("A POST whose worker dies, and then the process that has reaped it, is told 502 by another")
    func reaperDied() async throws {
        try await RunningFront.run(["/*=held"]) { _ in
        } _: { front in
            let redis = RedisClient(try RedisConfiguration(url: front.redis.url), logger: Logger(label: "test"))
            let asked = Task {
                try await front.ask("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n", body: Array("hi".utf8))
            }
            #expect(try await die(front, redis, "dead", reaped: false))
            let start = ContinuousClock.now
            let worker = try Worker(queues: ["held"], redis: RedisConfiguration(url: front.redis.url))
            worker.handle("url") { (_: JobContext, _: WebRequest) in WebAnswer(text: "again") }
            let reply = try await withRunning(worker) { try await asked.value }
            #expect(reply.status == 502 && reply.text.contains("may have been carried out"))
            #expect(ContinuousClock.now - start < .seconds(10))
            await redis.shutdown()
        }
    }

    @Test("A POST whose worker dies is told 502 and is not run again; a GET is, and a POST with a key")
    func interrupted() async throws {
        try await RunningFront.run(["/*=held", "/always/*=held"]) { configuration in
            configuration.routes[1].again = .always
        } _: { front in
            let redis = RedisClient(try RedisConfiguration(url: front.redis.url), logger: Logger(label: "test"))
            let cases: [(String, String, Bool)] = [
                ("POST /", "", true), ("GET /", "", false), ("POST /", "Idempotency-Key: 7\r\n", false),
                ("POST /always/a", "", false),
            ]
            for (index, (line, headers, once)) in cases.enumerated() {
                let body = line.hasPrefix("GET") ? "" : "Content-Length: 2\r\n"
                let asked = Task {
                    try await front.ask(
                        "\(line) HTTP/1.1\r\nHost: t\r\n\(headers)\(body)\r\n", body: body.isEmpty ? [] : Array("hi".utf8))
                }
                #expect(try await die(front, redis, "dead\(index)") == once, "\(line) \(headers)")
                if once {
                    let reply = try await asked.value
                    #expect(reply.status == 502 && reply.text.contains("may have been carried out"))
                    #expect(try await redis.execute(["LLEN", "held"]).integer == 0)
                } else {
                    #expect(try await redis.execute(["LLEN", "held"]).integer == 1, "it waits for another worker")
                    let worker = try Worker(queues: ["held"], redis: RedisConfiguration(url: front.redis.url))
                    worker.handle("url") { (_: JobContext, _: WebRequest) in WebAnswer(text: "again") }
                    let reply = try await withRunning(worker) { try await asked.value }
                    #expect(reply.text == "again")
                }
            }
            await redis.shutdown()
        }
    }

    @Test("A front that ends does not say of a POST that it was not carried out", arguments: [("POST", 502), ("GET", 503)])
    func drained(_ method: String, _ status: Int) async throws {
        try await RunningFront.run(["/*=held"]) {
            $0.grace = .milliseconds(200)
        } _: { front in
            let redis = RedisClient(try RedisConfiguration(url: front.redis.url), logger: Logger(label: "test"))
            let length = method == "POST" ? "Content-Length: 0\r\n" : ""
            let asked = Task { try await front.ask("\(method) / HTTP/1.1\r\nHost: t\r\n\(length)\r\n") }
            try await eventually("it waits") { try await redis.execute(["LLEN", "held"]).integer == 1 }
            await front.drain()
            let reply = try await asked.value
            #expect(reply.status == status && (reply.header("retry-after") == nil) == (method == "POST"), "\(reply)")
            await redis.shutdown()
        }
    }
}

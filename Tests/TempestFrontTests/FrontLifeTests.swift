import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("The life of a front")
struct FrontLifeTests {
    @Test("Graceful shutdown finishes what is held, and accepts nothing new")
    func drain() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                var iterator = gate.stream.makeAsyncIterator()
                _ = await iterator.next()
                return WebAnswer(text: "finished")
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("it runs") { try await front.client.statistics(QueueName("pages")).running == 1 }
                await front.drain()
                // A request would be held, too, if its connection was accepted in this very moment.
                try await eventually("nobody is let in") {
                    do { return try await front.browse { _ in false } } catch { return true }
                }
                gate.continuation.finish()
                let reply = try await browser.reply()
                #expect(reply.text == "finished" && reply.isWhole)
                try await eventually("the connection is closed") { browser.isClosed }
            }
        }
    }

    @Test("What is still held when the grace has passed is told 503, and its job is cancelled")
    func grace() async throws {
        try await RunningFront.run {
            $0.grace = .milliseconds(200)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, _: WebRequest) in
                try await Task.sleep(for: .seconds(60))
                return WebAnswer()
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("it runs") { try await front.client.statistics(QueueName("pages")).running == 1 }
                await front.drain()
                #expect(try await browser.reply().status == 503)
            }
        }
    }

    @Test("A request outlives a restart of Redis, before and after it has become a job")
    func restart() async throws {
        var options = PrivateRedis.Options()
        options.appendOnly = true
        try await RunningFront.run(redis: options) {
            $0.patience = .seconds(20)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
        } _: { front in
            #expect(try await front.get("/warm").text == "/warm")
            try await front.browse { browser in
                _ = try await front.client.pause(QueueName("pages"))
                try await browser.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("it waits") { try await front.client.statistics(QueueName("pages")).waiting == 1 }
                try await front.redis.kill()
                try await eventually("not ready") { try await front.get("/readyz").status == 503 }
                #expect(try await front.get("/healthz").status == 200)
                try await front.browse { other in
                    try await other.send("GET /new HTTP/1.1\r\nHost: t\r\n\r\n")
                    try await front.redis.start()
                    try await eventually("resumed") {
                        do { return try await front.client.resume(QueueName("pages")) >= 0 } catch { return false }
                    }
                    #expect(try await other.reply().text == "/new")
                }
                #expect(try await browser.reply().text == "/held")
                try await eventually("ready") { try await front.get("/readyz").status == 200 }
            }
        }
    }

    @Test(
        "A Redis that stays away: 503 with Retry-After after the patience, not after the deadline; what was told so is not done later"
    )
    func away() async throws {
        let asked = Mutex<[String]>([])
        try await RunningFront.run {
            $0.patience = .milliseconds(300)
            $0.sessions = SessionRules(isInsecure: true)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                asked.withLock { $0.append(request.url) }
                return WebAnswer(text: request.url)
            }
        } _: { front in
            #expect(try await front.get("/before").text == "/before")
            try await front.redis.kill()
            let cookie = "Cookie: tempest=" + String(repeating: "a", count: 43)
            for headers in ["", cookie + "\r\n"] {
                let start = ContinuousClock.now
                let reply = try await front.ask("GET /away HTTP/1.1\r\nHost: t\r\n\(headers)\r\n")
                #expect(reply.status == 503 && reply.header("retry-after") != nil, "\(reply)")
                // The route's deadline is 30 s.
                #expect(ContinuousClock.now - start < .seconds(15))
            }
            try await front.redis.start()
            try await eventually("it goes on") { try await front.get("/after").text == "/after" }
            #expect(!asked.withLock { $0 }.contains("/away"))
        }
    }

    @Test("A file is served before the fallback, a route before a file")
    func order() async throws {
        try await withTemporaryDirectory { folder in
            for (name, text) in [("a.txt", "file a"), ("index.html", "index"), ("api.txt", "file api")] {
                try write(text, to: "\(folder)/\(name)")
            }
            try await RunningFront.run(["/api.txt=pages", "/*=pages"]) {
                $0.files = StaticFilesOptions(folder: folder)
            } handlers: { worker in
                worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "worker \(request.url)") }
            } _: { front in
                #expect(try await front.get("/a.txt").text == "file a")
                #expect(try await front.get("/").text == "index")
                #expect(try await front.get("/api.txt").text == "worker /api.txt")
                #expect(try await front.get("/none").text == "worker /none")
                for path in ["/../a.txt", "/%2e%2e/%2e%2e/etc/passwd", "/..%2fetc/passwd"] {
                    let reply = try await front.get(path)
                    #expect(!reply.text.contains("root:") && reply.text != "file a", "\(path)")
                }
            }
        }
    }
}

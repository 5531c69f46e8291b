import Logging
import Synchronization
import Tempest
import TempestFront
import TempestRedis
import TempestTesting
import Testing

@Suite("Held requests")
struct HeldRequestTests {
    /// Answers with what it got.
    static func mirror(_ worker: Worker) {
        worker.handle("url") { (context: JobContext, request: WebRequest) in
            let lines =
                [
                    "\(request.method) \(request.url) \(request.scheme ?? "") \(request.remoteAddress ?? "") \(context.job.codec.name)"
                ]
                + request.headers.sorted { $0.key < $1.key }.map { "\($0): \($1)" }
            return WebAnswer(
                status: 201, headers: [("content-type", "text/plain"), ("set-cookie", "a=1"), ("set-cookie", "b=2")],
                body: Array((lines.joined(separator: "\n") + "\n").utf8) + request.body)
        }
    }

    @Test("A request is a job with the browser's words, and the worker's answer is the response")
    func request() async throws {
        try await RunningFront.run(handlers: Self.mirror) { front in
            let reply = try await front.ask(
                "POST /a%20b?c=d&e HTTP/1.1\r\nHost: test\r\nX-Two: 1\r\nx-two: 2\r\nCookie: a=1\r\nCookie: b=2\r\n"
                    + "X-Forwarded-For: 1.2.3.4\r\nContent-Length: 5\r\n\r\n", body: Array("hällo".utf8.prefix(5)))
            #expect(reply.status == 201 && reply.isWhole)
            #expect(reply.all("set-cookie") == ["a=1", "b=2"])
            let lines = reply.text.split(separator: "\n")
            #expect(lines[0] == "POST /a%20b?c=d&e http 127.0.0.1 json")
            #expect(lines.contains("x-two: 1, 2") && lines.contains("cookie: a=1; b=2") && lines.contains("host: test"))
            #expect(!reply.text.contains("1.2.3.4"), "what a browser says of forwarding is not believed, nor passed on")
        }
    }

    @Test("Headers of the connection are not the worker's, nor those that the connection names")
    func connection() async throws {
        try await RunningFront.run(handlers: Self.mirror) { front in
            let reply = try await front.get(
                "/", "Connection: X-Mine , x-more, X-Request-Id", "Connection: close", "X-Mine: 1", "X-More: 2", "X-Other: 3",
                "HTTP2-Settings: AAMA",
                "TE: trailers", "Keep-Alive: 5")
            let names = reply.text.split(separator: "\n").dropFirst().compactMap { $0.split(separator: ":").first }
            #expect(names.sorted() == ["host", "x-other", "x-request-id"], "\(names)")
            for path in ["/healthz", "//healthz", "/%68ealthz"] {
                #expect(try await front.get(path, "Connection: close").text == "ok\n")
            }
        }
    }

    @Test(
        "For handlers of 2012 bodies are text in any case, with U+FFFD in the place of what is none",
        arguments: ["json", "msgpack"])
    func textBodies(_ codec: String) async throws {
        try await RunningFront.run {
            $0.routes[0].codec = CodecSet.standard.named(codec) ?? .json
            $0.routes[0].bodiesAreText = true
        } handlers: { worker in
            worker.handle(dynamic: "url") { context in
                guard case .map(let request) = context.args[0].value else { return .null }
                let encoding = request["body_encoding"] ?? "none"
                return [200, ["content-type": "text/plain"], .text("\(encoding) \(request["body"] ?? "no body")")]
            }
        } _: { front in
            for (body, text) in [
                ("hällo".utf8 + [], "hällo"), ([0x68, 0xE4, 0xFF, 0x00, 0x6F], "h\u{FFFD}\u{FFFD}\u{0}o"), ([0x80], "\u{FFFD}"),
            ] {
                let reply = try await front.ask("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.count)\r\n\r\n", body: body)
                #expect(reply.status == 200 && reply.text == "\(Value.text("none")) \(Value.text(text))")
            }
            let empty = try await front.ask("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
            #expect(empty.text == "\(Value.text("none")) \(Value.text("no body"))")
        }
    }

    @Test("Bodies are the same bytes there and back", arguments: ["json", "msgpack", "tnetstring"])
    func bodies(_ codec: String) async throws {
        try await RunningFront.run {
            $0.routes[0].codec = CodecSet.standard.named(codec) ?? .json
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(body: request.body) }
        } _: { front in
            let bodies: [[UInt8]] = [
                [], Array("text".utf8), Array(0...255), [0xFF], Array(repeating: 0xE9, count: 100_000), [0, 13, 10],
            ]
            for body in bodies {
                let reply = try await front.ask("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.count)\r\n\r\n", body: body)
                #expect(reply.status == 200 && reply.body == body, "\(codec): \(body.prefix(5)) of \(body.count)")
            }
            let chunked = try await front.ask(
                "PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            #expect(chunked.text == "abcde")
        }
    }

    @Test("Requests of one connection are answered in their order, pipelined and one after the other")
    func pipelining() async throws {
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                if request.url == "/slow" { try await Task.sleep(for: .milliseconds(150)) }
                return WebAnswer(text: request.url)
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.send(["/slow", "/2", "/3"].map { "GET \($0) HTTP/1.1\r\nHost: t\r\n\r\n" }.joined())
                for path in ["/slow", "/2", "/3"] { #expect(try await browser.reply().text == path) }
                try await browser.send("GET /4 HTTP/1.1\r\nHost: t\r\n\r\n")
                #expect(try await browser.reply().text == "/4")
                try await browser.send("GET /5 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                #expect(try await browser.reply().text == "/5")
                try await eventually("it is closed") { browser.isClosed }
            }
        }
    }

    @Test("HEAD, 204, 205 and 304 have no body; the length of HEAD is that of the body that there would be")
    func bodiless() async throws {
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                let status = Int(request.url.dropFirst()) ?? 200
                if request.url == "/gateway" { return WebAnswer(headers: [("content-length", "99")]) }
                if request.url == "/unknown" { return WebAnswer() }
                return WebAnswer(status: status, body: "hello".utf8)
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n")
                let head = try await browser.reply(head: true)
                #expect(head.status == 200 && head.header("content-length") == "5")
                for (path, length) in [("/gateway", "99"), ("/unknown", nil)] as [(String, String?)] {
                    try await browser.send("HEAD \(path) HTTP/1.1\r\nHost: t\r\n\r\n")
                    #expect(try await browser.reply(head: true).header("content-length") == length)
                }
                for (status, length) in [(204, nil), (205, "0"), (304, nil)] as [(Int, String?)] {
                    try await browser.send("GET /\(status) HTTP/1.1\r\nHost: t\r\n\r\n")
                    let none = try await browser.reply()
                    #expect(none.status == status && none.header("content-length") == length && none.body.isEmpty)
                }
                try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
                #expect(try await browser.reply().text == "hello", "nothing was left over on the connection")
            }
        }
    }

    @Test("Who waits too long is told 504, the job is cancelled, and the late answer is nobody else's")
    func deadline() async throws {
        let cancelled = Mutex(0)
        try await RunningFront.run {
            $0.routes[0].deadline = .seconds(2)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                guard request.url == "/slow" else { return WebAnswer(text: request.url) }
                do { try await Task.sleep(for: .seconds(30)) } catch { cancelled.withLock { $0 += 1 } }
                return WebAnswer(text: "late")
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
                #expect(try await browser.reply().status == 504)
                try await eventually("the handler was cancelled") { cancelled.withLock { $0 } == 1 }
                try await browser.send("GET /next HTTP/1.1\r\nHost: t\r\n\r\n")
                #expect(try await browser.reply().text == "/next")
            }
        }
    }

    @Test("More than may wait are told 503 and when to come again")
    func pending() async throws {
        try await RunningFront.run(["/*=nobody"]) { configuration in
            configuration.routes[0].pending = 2
            configuration.routes[0].deadline = .seconds(2)
        } _: { front in
            try await front.browse { first in
                try await front.browse { second in
                    for browser in [first, second] { try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n") }
                    try await eventually("two wait") { try await front.client.statistics(QueueName("nobody")).waiting == 2 }
                    let third = try await front.get("/")
                    #expect(third.status == 503 && third.header("retry-after") == "1")
                    #expect(try await first.reply().status == 504)
                }
            }
            let fourth = try await front.get("/")
            #expect(fourth.status == 504, "there is room again")
        }
    }

    @Test("A browser that goes away takes its job along: where it waits, and where it runs")
    func gone() async throws {
        let events = Mutex<[String]>([])
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                events.withLock { $0.append("begun " + request.url) }
                if request.url == "/running" {
                    do {
                        try await Task.sleep(for: .seconds(30))
                    } catch {
                        events.withLock { $0.append("cancelled") }
                        throw error
                    }
                }
                return WebAnswer(text: "x")
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.send("GET /running HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("it runs") { events.withLock { $0 } == ["begun /running"] }
                try await browser.close()
                try await eventually("it is cancelled") { events.withLock { $0.last } == "cancelled" }
            }
            _ = try await front.client.pause(QueueName("pages"))
            try await front.browse { browser in
                try await browser.send("GET /waiting HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("it waits") { try await front.client.statistics(QueueName("pages")).waiting == 1 }
                try await browser.close()
            }
            let redis = RedisClient(try RedisConfiguration(url: front.redis.url), logger: Logger(label: "test"))
            try await eventually("its cancellation is remembered") {
                try await redis.execute(["ZCARD", "{pages}:!cancelled"]).integer == 1
            }
            await redis.shutdown()
            _ = try await front.client.resume(QueueName("pages"))
            #expect(try await front.get("/after").status == 200)
            #expect(events.withLock { $0 } == ["begun /running", "cancelled", "begun /after"], "the waiting one never began")
        }
    }

    @Test("Bodies above the limit are refused before they are read")
    func large() async throws {
        try await RunningFront.run {
            $0.rules.body = 1000
        } handlers: {
            Self.mirror($0)
        } _: { front in
            let announced = try await front.ask("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\n\r\n")
            #expect(announced.status == 413)
            let chunk = "3e8\r\n" + String(repeating: "x", count: 1000) + "\r\n"
            #expect(
                try await front.ask("PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)0\r\n\r\n")
                    .status == 413)
            #expect(
                try await front.ask(
                    "PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n", body: Array(repeating: 65, count: 1000)
                ).status == 201)
        }
    }

    @Test("A trusted proxy is believed, up to the first address that is not one")
    func proxies() async throws {
        try await RunningFront.run {
            $0.rules.trusted = try TrustedProxies(["127.0.0.0/8", "10.0.0.0/8"])
        } handlers: {
            Self.mirror($0)
        } _: { front in
            let reply = try await front.get("/", "X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.2.3", "X-Forwarded-Proto: https")
            #expect(reply.text.hasPrefix("GET / https 203.0.113.7 json"))
            // Some proxies name the client's port too.
            for (hops, address) in [
                ("203.0.113.7:51234", "203.0.113.7"), ("[2001:db8::1]:51234", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
                ("2001:db8::1", "2001:db8::1"), ("203.0.113.7:1,\t10.1.2.3:2", "203.0.113.7"), ("6.6.6.6, unknown", "127.0.0.1"),
            ] {
                let reply = try await front.get("/", "X-Forwarded-For: \(hops)")
                #expect(reply.text.hasPrefix("GET / http \(address) json"), "\(hops)")
            }
        }
    }

    @Test("Unknown actions, failures and errors become 5xx, without their texts")
    func errors() async throws {
        try await RunningFront.run(["/known/*=pages", "/*=pages"]) {
            $0.routes[1].action = "unknown"
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) throws -> WebAnswer in
                throw HandlerError(code: "secret", message: "the password is 1234")
            }
        } _: { front in
            let failed = try await front.get("/known/x")
            #expect(failed.status == 500 && !failed.text.contains("1234"))
            #expect(try await front.get("/other").status == 502)
        }
    }
}

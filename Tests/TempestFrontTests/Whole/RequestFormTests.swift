import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Unusual forms of requests to a whole front", .timeLimit(.minutes(2)))
struct RequestFormTests {
    private static func serve(_ worker: Worker) {
        worker.handle("url") { (context: JobContext, request: WebRequest) in
            guard request.path == "/stream" else {
                try await context.send(WebAnswer(text: "\(request.method) \(request.url) \(request.body.count)"))
                return
            }
            try await context.send(WebAnswer(headers: [("x-a", "b")], body: "one ".utf8))
            try await context.send("two")
        }
    }

    private static func withFront<R: Sendable>(
        _ routes: [String] = ["/*=pages"], _ change: @escaping (inout FrontConfiguration) -> Void = { _ in },
        _ body: (RunningFront) async throws -> R
    ) async throws -> R {
        try await RunningFront.run(routes) {
            change(&$0)
        } handlers: {
            serve($0)
        } _: {
            try await body($0)
        }
    }

    @Test("HEAD of a streamed answer has its head, no length that would be a lie, and nothing after it")
    func head() async throws {
        try await Self.withFront { front in
            try await front.browse { browser in
                let paths = ["/stream", "/", "/stream"]
                try await browser.send(paths.map { "HEAD \($0) HTTP/1.1\r\nHost: t\r\n\r\n" }.joined())
                for path in paths {
                    let reply = try await browser.reply(head: true)
                    #expect(reply.status == 200, "\(reply)")
                    #expect(reply.header("x-a") == (path == "/stream" ? "b" : nil))
                    #expect(reply.header("content-length") == nil)
                }
                try await browser.send("GET /stream HTTP/1.1\r\nHost: t\r\n\r\n")
                let reply = try await browser.reply()
                #expect(reply.text == "one two" && reply.isWhole, "nothing was left over on the connection: \(reply)")
            }
        }
    }

    @Test("A browser that waits with its body is told to go on once the body is wanted, and only then")
    func expected() async throws {
        try await Self.withFront { front in
            try await front.browse { browser in
                for number in 1...2 {
                    try await browser.send(
                        "PUT /\(number) HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n")
                    try await eventually("it is told to go on") {
                        String(decoding: browser.received, as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n"
                    }
                    #expect(try await browser.reply(head: true).status == 100)
                    try await browser.send("body")
                    let reply = try await browser.reply()
                    #expect(reply.status == 200 && reply.text == "PUT /\(number) 4")
                }
                // The body may come at once.
                try await browser.send(
                    "PUT /3 HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
                #expect(try await browser.reply().text == "PUT /3 4")
                try await browser.send(
                    "PUT /4 HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nExpect: x, 100-Continue\r\n\r\n")
                #expect(try await browser.reply(head: true).status == 100)
                try await browser.send("2\r\nhi\r\n0\r\n\r\n")
                #expect(try await browser.reply().text == "PUT /4 2")
            }
        }
    }

    @Test("A body that is not wanted is not asked for: the refusal comes at once, and is the last of its connection")
    func unwanted() async throws {
        try await Self.withFront(["/private=nobody", "/*=pages"]) {
            $0.rules.body = 1000
            $0.sessions = SessionRules(isInsecure: true)
            $0.routes[0].requiresUser = true
        } _: { front in
            for (path, length, status) in [("/", 1001, 413), ("/private", 10, 401)] {
                try await front.browse { browser in
                    try await browser.send(
                        "PUT \(path) HTTP/1.1\r\nHost: t\r\nContent-Length: \(length)\r\nExpect: 100-continue\r\n\r\n")
                    let reply = try await browser.reply()
                    #expect(reply.status == status && reply.header("connection") == "close", "\(reply)")
                    try await eventually("it is closed") { browser.isClosed }
                }
            }
        }
    }

    @Test("HTTP/1.0 knows neither 100 nor chunks: what is streamed ends with the connection")
    func old() async throws {
        try await Self.withFront { front in
            let stream = try await front.ask("GET /stream HTTP/1.0\r\nHost: t\r\nConnection: keep-alive\r\n\r\n")
            #expect(stream.header("transfer-encoding") == nil && stream.header("connection") == "close", "\(stream)")
            #expect(stream.text == "one two")
            let reply = try await front.ask(
                "PUT / HTTP/1.0\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody")
            #expect(reply.status == 200 && reply.text == "PUT / 4")
        }
    }

    @Test("A target in the form that is for proxies is the route's that its path names")
    func absolute() async throws {
        try await Self.withFront(["/api/*=pages", "/*=nobody"]) { front in
            let found = try await front.ask("GET http://test/api/x?a=b HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(found.text == "GET /api/x?a=b 0", "\(found)")
            let health = try await front.ask("GET http://test/healthz HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(health.text == "ok\n")
            #expect(try await front.ask("GET http://other/api/x HTTP/1.1\r\nHost: test\r\n\r\n").status == 400)
            for target in ["api/x", "*", "ftp://test/api/x", "/api/#x"] {
                #expect(try await front.ask("GET \(target) HTTP/1.1\r\nHost: test\r\n\r\n").status == 400, "\(target)")
            }
        }
    }

    // Two spaces for one are let through by NIO's parser, as RFC 9112, section 3, allows.
    @Test(
        "A request line is method, one space, target, one space, version",
        arguments: [
            "GET\t/ HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1 x",
            "GET / HTTP/1.2", "GET / http/1.1", "GET /a b HTTP/1.1", "GET", "GET /",
        ])
    func line(_ line: String) async throws {
        try await Self.withFront { front in
            let reply = try await front.ask("\(line)\r\nHost: t\r\n\r\n")
            #expect([400, 505].contains(reply.status), "\(line): \(reply)")
        }
    }
}

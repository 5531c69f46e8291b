import HTTPTypes
import NIOCore
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Silent streams of workers", .timeLimit(.minutes(2)))
struct StreamSilenceTests {
    private static func silence(_ type: String?, _ more: HTTPFields = [:], idle: Duration? = nil) throws -> StreamSilence {
        var headers = more
        headers[.contentType] = type
        var route = try FrontRoute("/*=pages")
        route.idle = idle
        return StreamSilence(route, headers)
    }

    @Test("Event streams may be silent and get comments between lines alone; others have the route's time")
    func decided() throws {
        for type in ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream ;x"] {
            var silence = try Self.silence(type)
            #expect(silence.idle == nil && silence.pause == .seconds(15))
            #expect(silence.comment == ByteBuffer(string: ":\n"))
            for (piece, isOpen) in [
                ("data: a", false), ("b\n", true), ("\n", true), ("data: x\r", false), ("\n", true), ("", true), ("x\r\n", true),
            ] {
                silence.wrote(ByteBuffer(string: piece))
                #expect((silence.comment != nil) == isOpen, "\(piece.debugDescription)")
            }
            var headers = HTTPFields()
            silence.mark(&headers)
            #expect(headers.contains { $0.name.canonicalName == "x-accel-buffering" && $0.value == "no" })
        }
        for type in [nil, "text/plain", "text/event-streams"] {
            let silence = try Self.silence(type)
            #expect(silence.idle == .seconds(30) && silence.pause == nil && silence.comment == nil)
        }
        #expect(try Self.silence("text/event-stream", [.contentEncoding: "gzip"]).comment == nil)
        #expect(try Self.silence("text/event-stream", [.contentLength: "5"]).comment == nil)
        #expect(try Self.silence("text/event-stream", idle: .seconds(2)).idle == .seconds(2))
        #expect(try Self.silence("text/plain", idle: .seconds(2)).idle == .seconds(2))
        let file = try FrontFile.read("routes:\n  - {path: /a, queue: q, deadline: 5, idle: 60}\n", file: "f")
        #expect(file.routes[0].idle == .seconds(60))
    }

    @Test("An event stream outlives its route's deadline; a comment never comes within a line; other streams end")
    func whole() async throws {
        let goOn = Mutex(false)
        try await RunningFront.run {
            $0.routes[0].deadline = .seconds(4)
            $0.routes[0].comments = .milliseconds(100)
        } handlers: { worker in
            worker.handle("url") { (context: JobContext, request: WebRequest) in
                let type = request.url == "/events" ? "text/event-stream" : "text/plain"
                try await context.send(WebAnswer(headers: [("content-type", type)], body: "data: one\n".utf8))
                try await eventually(within: .seconds(60), "it goes on") { goOn.withLock { $0 } }
                try await context.send("data: two\n\ndata: thr")
                try await context.send("ee\n\n")
            }
        } _: { front in
            let plain = try await front.get("/plain")
            #expect(!plain.isWhole && plain.text == "data: one\n")
            let browser = try await EventBrowser.connect(port: front.port, path: "/events", headers: [], reads: true)
            // For longer than the deadline.
            try await browser.sees("data: one\n" + String(repeating: ":\n", count: 50), within: .seconds(40))
            #expect(browser.head.lowercased().contains("x-accel-buffering: no"))
            goOn.withLock { $0 = true }
            try await browser.sees("data: three\n\n")
            try await eventually("it ends properly") { browser.isComplete }
            #expect(browser.fields("data") == ["one", "two", "three"])
        }
    }

    @Test("A route that names a path of the front's own comes before it")
    func ownPaths() async throws {
        try await RunningFront.run(["/healthz=pages", "/uploads/*=pages", "/sub/mine=pages", "/*=pages"]) {
            $0.subscriptions = ["*"]
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "worker \(request.url)") }
        } _: { front in
            for path in ["/healthz", "/uploads/x", "/sub/mine"] {
                #expect(try await front.get(path).text == "worker \(path)")
            }
            #expect(try await front.get("/readyz").text == "ok\n")
            let browser = try await EventBrowser.connect(port: front.port, path: "/sub/other", headers: [], reads: true)
            try await browser.sees(": following")
            try await browser.leave()
        }
    }
}

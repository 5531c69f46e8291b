import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Event streams through a whole front", .timeLimit(.minutes(2)))
struct EventWholeTests {
    private func follow(_ front: RunningFront, _ path: String, _ headers: [String] = []) async throws -> EventBrowser {
        try await EventBrowser.connect(port: front.port, path: path, headers: headers, reads: true)
    }

    private static func withEvents<R: Sendable>(_ body: (RunningFront) async throws -> R) async throws -> R {
        try await RunningFront.run {
            $0.subscriptions = ["news", "chat:*"]
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "worker \(request.url)") }
        } _: {
            try await body($0)
        }
    }

    @Test("A channel that a pattern allows brings what is published; the colon of its name may be written either way")
    func allowed() async throws {
        try await Self.withEvents { front in
            for path in ["/sub/news", "/sub/chat:1", "/sub/chat%3A1"] {
                let channel = path.hasSuffix("news") ? "news" : "chat:1"
                let browser = try await follow(front, path)
                try await eventually("it is heard") {
                    try await front.client.publish(channel: channel, event: "hello", data: ["from": "here"]).heard == 1
                }
                try await browser.sees("event: hello\ndata: {\"from\":\"here\"}\n\n")
                #expect(browser.status == 200 && browser.head.contains("content-type: text/event-stream\r\n"))
                try await browser.leave()
                try await eventually("it has left") {
                    try await front.client.publish(channel: channel, data: 1, keep: 0).heard == 0
                }
            }
        }
    }

    @Test("Other channels are refused, and are no jobs of the fallback")
    func refused() async throws {
        try await Self.withEvents { front in
            let secret = try await front.get("/sub/secret")
            #expect(secret.status == 403)
            #expect(try await front.get("/sub/chat").status == 403)
            #expect(try await front.get("/sub/a%20b").status == 400)
            #expect(try await front.ask("POST /sub/news HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n").status == 405)
            #expect(try await front.get("/subs").text == "worker /subs")
        }
    }

    @Test("Without channels there are no streams: the path is a route's")
    func none() async throws {
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: "worker \(request.url)") }
        } _: { front in
            let reply = try await front.get("/sub/news")
            #expect(reply.text == "worker /sub/news")
        }
    }

    @Test("Who comes back with the last event's id gets what came since, once")
    func missed() async throws {
        try await Self.withEvents { front in
            var ids: [String] = []
            for number in 1...3 {
                ids.append(try #require(try await front.client.publish(channel: "news", event: "n", data: number).id))
            }
            let browser = try await follow(front, "/sub/news", ["Last-Event-ID: \(ids[0])"])
            try await browser.sees("id: \(ids[2])\n")
            #expect(browser.fields("data") == ["2", "3"] && browser.fields("id") == [ids[1], ids[2]])
            try await browser.leave()
        }
    }

    @Test("HEAD of a stream says what GET would, and no length")
    func head() async throws {
        try await Self.withEvents { front in
            try await front.browse { browser in
                try await browser.send("HEAD /sub/news HTTP/1.1\r\nHost: t\r\n\r\nGET /next HTTP/1.1\r\nHost: t\r\n\r\n")
                let head = try await browser.reply(head: true)
                #expect(head.status == 200 && head.header("content-type") == "text/event-stream")
                #expect(head.header("content-length") == nil)
                #expect(try await browser.reply().text == "worker /next")
            }
        }
    }

    @Test("A graceful shutdown ends streams properly, so that browsers go elsewhere")
    func shutdown() async throws {
        try await Self.withEvents { front in
            let browser = try await follow(front, "/sub/news")
            try await eventually("it is heard") {
                try await front.client.publish(channel: "news", data: 1, keep: 0).heard == 1
            }
            try await browser.sees("data: 1\n\n")
            await front.drain()
            try await eventually("the connection is closed") { browser.isClosed }
            #expect(browser.isComplete, "\(browser.raw)")
        }
    }
}

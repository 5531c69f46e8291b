import Tempest
import TempestFront
import TempestProtocol
import TempestTesting
import Testing

@Suite("Fronts on two databases of one server", .timeLimit(.minutes(2)))
struct DatabaseWholeTests {
    private static let pieces = 300

    private static func onBoth(_ body: (_ zero: RunningFront, _ five: RunningFront) async throws -> Void) async throws {
        let handlers = { (worker: Worker) in
            worker.handle("url") { (context: JobContext, _: WebRequest) in
                try await context.send(WebAnswer(headers: [("content-type", "text/plain")], body: "".utf8))
                for number in 1...pieces { try await context.send("\(number)\n") }
            }
        }
        try await RunningFront.run {
            $0.subscriptions = ["news"]
        } handlers: {
            handlers($0)
        } _: { zero in
            try await zero.beside(database: 5, handlers: handlers) { try await body(zero, $0) }
        }
    }

    private static func follow(_ front: RunningFront, _ headers: [String] = []) async throws -> EventBrowser {
        let browser = try await EventBrowser.connect(port: front.port, path: "/sub/news", headers: headers, reads: true)
        try await browser.sees(": following\n\n")
        return browser
    }

    @Test("What is published in a database comes to the browsers of its own front, at once")
    func live() async throws {
        try await Self.onBoth { zero, five in
            let (zeros, fives) = (try await Self.follow(zero), try await Self.follow(five))
            #expect(try await five.client.publish(channel: "news", event: "e", data: "of five").heard == 1)
            try await fives.sees("data: of five\n")
            #expect(try await zero.client.publish(channel: "news", event: "e", data: "of zero").heard == 1)
            try await zeros.sees("data: of zero\n")
            try await five.client.publish(channel: "news", data: "kept by nobody", keep: 0)
            try await fives.sees("data: kept by nobody\n")
            #expect(try await five.client.endStreams(channel: "news").heard == 1)
            try await fives.sees("event: end\n")
            try await zero.client.publish(channel: "news", data: "last")
            try await zeros.sees("data: last\n")
            #expect(zeros.fields("data") == ["of zero", "last"] && !fives.raw.contains("of zero"))
            for browser in [zeros, fives] { try await browser.leave() }
        }
    }

    @Test("Who comes back with the last event's id gets what was kept in the database of the front, then what comes")
    func missed() async throws {
        try await Self.onBoth { zero, five in
            let first = try #require(try await five.client.publish(channel: "news", data: "of five").id)
            try await five.client.publish(channel: "news", data: "missed")
            try await zero.client.publish(channel: "news", data: "of zero")
            let browser = try await EventBrowser.connect(
                port: five.port, path: "/sub/news", headers: ["Last-Event-ID: \(first)"], reads: true)
            try await browser.sees("data: missed\n")
            try await eventually("it is heard") {
                try await five.client.publish(channel: "news", data: "live", keep: 0).heard == 1
            }
            try await browser.sees("data: live\n")
            #expect(Set(browser.fields("data")) == ["missed", "live"])
            try await browser.leave()
        }
    }

    @Test("A bare PUBLISH names the database")
    func bare() async throws {
        try await Self.onBoth { zero, five in
            let (zeros, fives) = (try await Self.follow(zero), try await Self.follow(five))
            #expect(try await zero.send(#"["of five"]"#, to: "news@5") == 1)
            try await fives.sees("data: of five\n")
            #expect(try await five.send(#"["of zero"]"#, to: "news") == 1)
            try await zeros.sees("data: of zero\n")
            #expect(zeros.fields("data") == ["of zero"] && fives.fields("data") == ["of five"])
            for browser in [zeros, fives] { try await browser.leave() }
        }
    }

    @Test("Streams with credits come whole in each of them; browsers cannot name a channel of another")
    func streams() async throws {
        try await Self.onBoth { zero, five in
            for front in [zero, five] {
                let reply = try await front.get("/stream", "Connection: close")
                #expect(reply.isWhole && reply.text == (1...Self.pieces).map { "\($0)\n" }.joined())
                #expect(try await front.get("/sub/news@5").status == 400)
            }
            #expect(throws: NameError.self) { try ChannelPolicy(patterns: ["news@5"]) }
        }
    }
}

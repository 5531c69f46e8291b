// Streams as browsers see them, over sockets, against a real Redis.

import HummingbirdCore
import NIOCore
import ServiceLifecycle
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("An event stream", .timeLimit(.minutes(3)))
struct EventStreamTests {
    @Test("begins with how soon to come back, and brings what is published")
    func events() async throws {
        try await withEventFront { front in
            let browser = try await front.follower("news")
            #expect(browser.status == 200)
            #expect(browser.head.contains("content-type: text/event-stream\r\n"))
            #expect(browser.head.contains("cache-control: no-store"))
            let retry = try #require(browser.fields("retry").first.flatMap { Int($0) })
            #expect((1500..<3000).contains(retry) && browser.body.hasPrefix("retry: \(retry)\n\n"))
            try await front.publish("news", raw: #"["hello"]"#)
            try await front.publish("news", raw: #"["price",{"cents":12}]"#)
            try await browser.sees("data: hello\n\nevent: price\ndata: {\"cents\":12}\n\n")
            let publication = try await front.client.publish(channel: "news", event: "kept", data: ["a": 1])
            #expect(publication.heard == 1)
            let id = try #require(publication.id)
            try await browser.sees("id: \(id)\nevent: kept\ndata: {\"a\":1}\n\n")
            #expect(try await front.client.publish(channel: "news", data: "x", keep: 0).id == nil)
            try await browser.sees("data: x\n\n")
        }
    }

    @Test("gets nothing that a client may not publish")
    func unpublished() async throws {
        try await withEventFront { front in
            for channel in ["", "a b", "a*", "a\n", String(repeating: "a", count: 129)] {
                await #expect(throws: NameError.self) { try await front.client.publish(channel: channel, data: 1) }
                await #expect(throws: NameError.self) { try await front.client.endStreams(channel: channel) }
            }
            for event in ["a\nb", "a\r", "\0"] {
                await #expect(throws: NameError.self) { try await front.client.publish(channel: "n", event: event, data: 1) }
            }
            await #expect(throws: EncodingError.self) { try await front.client.publish(channel: "n", data: Double.nan) }
            let error = await #expect(throws: RedisError.self) {
                try await front.client.publish(channel: "n", data: 1, keep: -1)
            }
            #expect(error?.code == .badArgument || error?.code == .reply)
        }
    }

    @Test("is for those alone whom the policy lets in")
    func policy() async throws {
        struct Unforeseen: Error {}
        try await withEventFront(
            ["public.*"],
            rule: { request, channel in
                if channel == "broken" { throw Unforeseen() }
                return request.uri.queryParameters["key"] == "\(channel)-key"
            }
        ) { front in
            for (path, status) in [
                ("/sub/public.a", 200), ("/sub/secret", 403), ("/sub/secret?key=secret-key", 200),
                ("/sub/other?key=secret-key", 403),
                ("/sub/broken", 500), ("/sub/" + String(repeating: "a", count: 129), 400), ("/sub/public.%2a", 400),
                ("/sub/public.%0a", 400), ("/sub/public.%00", 400), ("/sub/public.{x}", 400), ("/sub/public.a%2Fb", 400),
                ("/sub/", 404),
            ] {
                let browser = try await front.browser(path)
                try await browser.answered()
                #expect(browser.status == status, "\(path): \(browser.raw)")
                try await browser.leave()
            }
        }
    }

    @Test("is for nobody without a policy")
    func nobody() async throws {
        try await withEventFront([]) { front in
            let browser = try await front.browser("/sub/news")
            try await browser.answered()
            #expect(browser.status == 403)
            #expect(try await front.subscriptions().channels == [])
        }
    }

    @Test("begins with what a browser that comes back has missed, without a gap and without anything twice")
    func replay() async throws {
        try await withEventFront { front in
            var ids: [String] = []
            for number in 0..<100 {
                ids.append(try #require(try await front.client.publish(channel: "n", data: number, keep: 1000).id))
            }
            // Publishes on while browsers come.
            async let published: Void = {
                for number in 100..<300 { try await front.client.publish(channel: "n", data: number, keep: 1000) }
            }()
            var browsers: [EventBrowser] = []
            for start in [0, 40, 98] {
                browsers.append(try await front.browser("/sub/n", ["last-event-id: \(ids[start])"]))
                browsers.append(try await front.browser("/sub/n?lastEventId=\(ids[start])"))
                browsers.append(try await front.browser("/sub/n?lastEventId=0-1", ["last-event-id: \(ids[start])"]))
            }
            try await published
            for (place, browser) in browsers.enumerated() {
                try await browser.sees("data: 299\n\n")
                let first = [0, 40, 98][place / 3] + 1
                #expect(browser.fields("data") == (first..<300).map { "\($0)" })
                #expect(browser.fields("id") == browser.fields("id").sorted())
            }
        }
    }

    @Test("brings no line that a publisher smuggles in, and goes on after messages that are none")
    func injection() async throws {
        try await withEventFront { front in
            let browser = try await front.follower("n")
            for message in [
                "no json", #"["a\nevent: evil","b"]"#, #"["a","b",{"id":"1\r\ndata: evil"}]"#, "[]", "\u{0}", #"{"a":1}"#,
                #"["x\u0000y","b"]"#,
            ] { try await front.publish("n", raw: message) }
            try await front.publish("n", raw: #"["one\r\ntwo\n\nevent: evil\rid: 7"]"#)
            try await front.publish("n", raw: #"["last"]"#)
            try await browser.sees("data: last\n\n")
            #expect(
                browser.body.drop { $0 != ":" }.dropFirst(7).drop { $0 != ":" }
                    == ": following\n\ndata: one\ndata: two\ndata: \ndata: event: evil\ndata: id: 7\n\ndata: last\n\n"
            )
        }
    }

    @Test("ends properly with the event end when its channel says so")
    func unsubscribe() async throws {
        try await withEventFront { front in
            let (first, other) = (try await front.follower("a"), try await front.follower("b"))
            try await front.client.publish(channel: "a", data: "last")
            #expect(try await front.client.endStreams(channel: "a").heard == 1)
            try await eventually("the stream ends") { first.isComplete }
            #expect(first.body.hasSuffix("data: last\n\nevent: end\ndata: \n\n"))
            try await eventually("its channel is left") { try await front.subscriptions().channels == ["b"] }
            #expect(!other.isComplete)
        }
    }

    @Test("sends comments while nothing happens")
    func heartbeats() async throws {
        try await withEventFront(change: { $0.heartbeat = .milliseconds(150) }) { front in
            let browser = try await front.follower("n")
            try await browser.sees(": \n\n: \n\n: \n\n")
        }
    }

    @Test("of a browser that went away is over at once")
    func leaving() async throws {
        try await withEventFront { front in
            let (first, second) = (try await front.follower("n"), try await front.follower("n"))
            let other = try await front.follower("m")
            try await first.leave()
            try await second.leave()
            try await eventually("the channel is left") { try await front.subscriptions().channels == ["m"] }
            let again = try await front.follower("n")
            try await front.publish("n", raw: #"["again"]"#)
            try await again.sees("data: again\n\n")
            #expect(!other.isClosed)
        }
    }

    @Test("is refused to those who are too many")
    func limit() async throws {
        try await withEventFront(change: { $0.listeners = 2 }) { front in
            let first = try await front.follower("n")
            _ = try await front.follower("m")
            let third = try await front.browser("/sub/n")
            try await third.answered()
            #expect(third.status == 503)
            #expect(third.head.contains("retry-after"))
            try await first.leave()
            try await eventually("there is room") {
                let next = try await front.browser("/sub/n")
                try await next.answered()
                return next.status == 200
            }
        }
    }

    @Test("ends properly when the front shuts down, and nobody new is let in")
    func shutdown() async throws {
        try await withEventFront { front in
            let browsers = [try await front.follower("a"), try await front.follower("a"), try await front.follower("b")]
            await front.services.triggerGracefulShutdown()
            for browser in browsers { try await eventually("the stream ends") { browser.isComplete && browser.isClosed } }
            #expect(browsers.allSatisfy { !$0.body.contains("event: end") }, "browsers are to come back")
        }
    }
}

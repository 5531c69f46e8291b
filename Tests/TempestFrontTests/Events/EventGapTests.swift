// What a browser is told when the history has not kept what it missed.

import Tempest
import TempestTesting
import Testing

@testable import TempestFront
@testable import TempestRedis

@Suite("A gap in an event stream", .timeLimit(.minutes(3)))
struct EventGapTests {
    private static func publish(_ front: EventFront, _ numbers: Range<Int>, keep: Int) async throws -> [String] {
        var ids: [String] = []
        for number in numbers {
            ids.append(try #require(try await front.client.publish(channel: "n", data: number, keep: keep).id))
        }
        return ids
    }

    private static func gap(_ asked: String, _ first: String?) -> String {
        "event: gap\ndata: {\"asked\":\"\(asked)\",\"first\":\(first.map { "\"\($0)\"" } ?? "null")}\n\n"
    }

    @Test("is told before the rest when the message that a browser names was trimmed, and not when it is there")
    func trimmed() async throws {
        try await withEventFront { front in
            let ids = try await Self.publish(front, 0..<100, keep: 40)
            for (place, isTold) in [(0, true), (59, true), (60, false), (98, false), (99, false)] {
                let browser = try await front.follower("n", ["last-event-id: \(ids[place])"])
                let first = max(60, place + 1)
                #expect(browser.body.contains(Self.gap(ids[place], ids[min(99, first)])) == isTold, "\(place)")
                #expect(browser.fields("event") == (isTold ? ["gap"] : []))
                #expect(browser.fields("data").filter { !$0.hasPrefix("{") } == (first..<100).map { "\($0)" })
                try await browser.leave()
            }
            // From the beginning on is a place too.
            #expect(try await front.follower("n", ["last-event-id: 0-0"]).body.contains(Self.gap("0-0", ids[60])))
        }
    }

    @Test("is told for an id that nobody knows, and then all that is kept comes")
    func unknown() async throws {
        try await withEventFront { front in
            let ids = try await Self.publish(front, 0..<70, keep: 1000)
            for asked in ["nonsense", "7", "1-1", "99999999999999-0", "-", "18446744073709551615-18446744073709551615"] {
                let browser = try await front.follower("n", ["last-event-id: \(asked)"])
                #expect(browser.body.contains("\n\n" + Self.gap(asked, ids[0]) + "id: \(ids[0])\n"), "\(asked)")
                #expect(browser.fields("data").dropFirst() == (0..<70).map { "\($0)" }[...], "\(asked)")
                try await browser.leave()
            }
            let whole = try await front.follower("n", ["last-event-id: 0-0"])
            #expect(whole.fields("event") == [] && whole.fields("data").count == 70)
            // Who asked for an id of the future is no longer deaf until then.
            let future = try await front.follower("n", ["last-event-id: 99999999999999-0"])
            _ = try await Self.publish(front, 70..<71, keep: 1000)
            try await future.sees("data: 70\n\n")
        }
    }

    @Test("is told when the history has expired, once: its id is where a browser goes on from")
    func expired() async throws {
        try await withEventFront { front in
            let ids = try await Self.publish(front, 0..<3, keep: 10)
            _ = try await front.commands.execute(["DEL", "tempest:channel:n"])
            let browser = try await front.follower("n", ["last-event-id: \(ids[1])"])
            #expect(browser.body.contains("id: 0-0\n" + Self.gap(ids[1], nil)))
            let again = try await front.follower("n", ["last-event-id: 0-0"])
            #expect(again.fields("event") == [])
            _ = try await Self.publish(front, 3..<4, keep: 10)
            for each in [browser, again] { try await each.sees("data: 3\n\n") }
        }
    }

    @Test(
        "is told when Redis was away and what came meanwhile was trimmed, also where nothing had been kept before",
        arguments: [true, false])
    func away(sawSome: Bool) async throws {
        try await withEventFront { front in
            let browser = try await front.follower("n")
            var asked = "0-0"
            if sawSome {
                asked = try await Self.publish(front, 0..<1, keep: 10)[0]
                try await browser.sees("data: 0\n\n")
            }
            try await eventually("the end of the history is known") {
                try await front.commands.execute(["INFO", "commandstats"]).string?.contains("cmdstat_xrevrange") == true
            }
            // The subscription breaks, and by the time that it is back more has been published than is kept.
            _ = try await front.commands.execute(["MULTI"])
            _ = try await front.commands.execute(["CLIENT", "KILL", "TYPE", "pubsub"])
            for number in 1..<101 {
                _ = try await front.commands.execute([
                    "XADD", "tempest:channel:n", "MAXLEN", "10", "*", "message", .init(#"["","\#(number)"]"#),
                ])
            }
            _ = try await front.commands.execute(["EXEC"])
            try await browser.sees("data: 100\n\n")
            let first = try #require(browser.fields("id").first { $0 != asked })
            #expect(browser.body.contains(Self.gap(asked, first)))
            #expect(browser.fields("data").filter { !$0.hasPrefix("{") } == (sawSome ? ["0"] : []) + (91..<101).map { "\($0)" })
        }
    }

    @Test("is an event by itself, whatever was asked for")
    func text() {
        let gap = HistoryGap(asked: "a\"\nb", first: HistoryID("3-0"))
        #expect(gap.text == "event: gap\ndata: {\"asked\":\"a\\\"\\nb\",\"first\":\"3-0\"}\n\n")
        #expect(HistoryPlace(lastEventID: "") == nil)
        #expect(HistoryPlace(lastEventID: "5-1") == .after(HistoryID(milliseconds: 5, number: 1)))
        #expect(HistoryPlace(lastEventID: String(repeating: "x", count: 5000))?.asked.count == 128)
    }
}

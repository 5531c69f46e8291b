// Streams when Redis dies, when browsers take nothing, and when there are many.

import NIOCore
import Tempest
import TempestTesting
import Testing

@testable import TempestFront
@testable import TempestRedis

@Suite("Event streams in trouble", .timeLimit(.minutes(5)))
struct EventStreamTroubleTests {
    @Test("a thousand browsers share one connection, and all get what is published")
    func thousand() async throws {
        try await withEventFront { front in
            var browsers: [EventBrowser] = []
            for number in 0..<1000 { browsers.append(try await front.browser("/sub/c\(number % 4)")) }
            for browser in browsers { try await browser.sees(": following\n\n") }
            let (connections, channels) = try await front.subscriptions()
            #expect(connections == 1)
            #expect(channels == ["c0", "c1", "c2", "c3"])
            for channel in 0..<4 {
                #expect(try await front.client.publish(channel: "c\(channel)", data: "to c\(channel)").heard == 1)
            }
            for (number, browser) in browsers.enumerated() {
                try await browser.sees("data: to c\(number % 4)\n\n")
                #expect(browser.fields("data").count == 1)
            }
            for browser in browsers { try await browser.leave() }
            try await eventually("all channels are left") { try await front.subscriptions().channels == [] }
        }
    }

    @Test("after Redis was killed they go on, with what was kept since their last event", arguments: [true, false])
    func killed(sawSome: Bool) async throws {
        try await withEventFront(redis: .init(appendOnly: true)) { front in
            let (old, plain) = (try await front.follower("n"), try await front.follower("m"))
            if sawSome {
                try await front.client.publish(channel: "n", data: "before")
                try await old.sees("data: before\n\n")
            }
            // While the front is not there to hear it: kept messages are written by another life of Redis.
            try await eventually("the beginning of the history is known") {
                try await front.commands.execute(["INFO", "commandstats"]).string?.contains("cmdstat_xrevrange:calls=2") == true
            }
            try await front.redis.kill()
            let late = try await front.browser("/sub/n")
            try await late.sees("retry: ")
            #expect(late.status == 200)
            try await front.redis.start()
            _ = try await front.commands.execute(["CLIENT", "KILL", "TYPE", "pubsub"])
            for number in 0..<100 { try await front.client.publish(channel: "n", data: "gap \(number)", keep: 1000) }
            try await old.sees("data: gap 99\n\n")
            try await plain.sees(": following\n\n")
            try await late.sees(": following\n\n")
            try await front.client.publish(channel: "n", data: "after", keep: 1000)
            try await front.client.publish(channel: "m", data: "after")
            for browser in [old, plain, late] { try await browser.sees("data: after\n\n") }
            let gap = (0..<100).map { "gap \($0)" }
            #expect(old.fields("data") == (sawSome ? ["before"] : []) + gap + ["after"])
        }
    }

    @Test("connections that are cut again and again lose nothing that is kept")
    func cuts() async throws {
        try await withEventFront { front in
            let browsers = [try await front.follower("n"), try await front.follower("n")]
            for number in 0..<300 {
                try await front.client.publish(channel: "n", data: number, keep: 1000)
                if number == 0 { for browser in browsers { try await browser.sees("data: 0\n\n") } }
                if number % 60 == 30 { _ = try await front.commands.execute(["CLIENT", "KILL", "TYPE", "pubsub"]) }
            }
            for browser in browsers {
                try await browser.sees("data: 299\n\n", within: .seconds(60))
                #expect(browser.fields("data") == (0..<300).map { "\($0)" })
            }
        }
    }

    @Test("a browser that takes nothing is cut off, and harms nobody")
    func slow() async throws {
        try await withEventFront(change: { $0.waitingBytes = 64 * 1024 }) { front in
            let good = try await front.follower("n")
            let bad = try await front.browser("/sub/n", reads: false)
            try await eventually("both listen") { front.streams.listeners == 2 }
            let text = String(repeating: "x", count: 16 * 1024)
            var sent = 0
            // As much as the sockets between them take, and then some; the good one keeps up.
            while front.streams.listeners == 2, sent < 5000 {
                try await front.client.publish(channel: "n", data: "\(text)#\(sent)#", keep: 0)
                try await good.endsWith("#\(sent)#\n\n")
                sent += 1
            }
            #expect(front.streams.listeners == 1)
            try await bad.readOn()
            try await eventually("it is cut off") { bad.isClosed }
            #expect(!bad.isComplete)
            try await front.client.publish(channel: "n", data: "last")
            try await good.endsWith("data: last\n\n")
        }
    }

    @Test("a browser that takes nothing keeps neither the streams nor the server from ending", arguments: [true, false])
    func stuck(serverFirst: Bool) async throws {
        try await withEventFront(change: {
            $0.waitingBytes = 64 * 1024 * 1024
            $0.grace = .milliseconds(200)
        }) { front in
            let bad = try await front.browser("/sub/n", reads: false)
            try await eventually("it listens") { front.streams.listeners == 1 }
            let text = String(repeating: "x", count: 1_000_000)
            for _ in 0..<16 { try await front.client.publish(channel: "n", data: text, keep: 0) }
            if serverFirst {
                await front.services.triggerGracefulShutdown()
            } else {
                await front.streams.shutdown()
            }
            try await eventually("nobody listens") { front.streams.listeners == 0 }
            try await bad.leave()
        }
    }
}

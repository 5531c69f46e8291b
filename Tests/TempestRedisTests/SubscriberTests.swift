// Channels that come and go on one connection, against a real server.

import Logging
import Synchronization
import TempestTesting
import Testing

@testable import TempestRedis

@Suite("A subscriber", .timeLimit(.minutes(2)))
struct SubscriberTests {
    /// What a subscriber has said, one word each.
    final class Heard: Sendable {
        private let words = Mutex<[String]>([])

        func add(_ news: RedisSubscriber.News) {
            let word =
                switch news {
                case .followed(let channel, let ticket): "followed \(channel) \(ticket)"
                case .refused(let channel, let ticket, let error): "refused \(channel) \(ticket) \(error.code)"
                case .message(let message): "\(message.channel): \(String(decoding: message.payload, as: UTF8.self))"
                case .lost: "lost"
                }
            self.words.withLock { $0.append(word) }
        }

        var all: [String] { self.words.withLock { $0 } }

        func waitFor(_ word: String, times: Int = 1) async throws {
            try await eventually(word) { self.all.count { $0 == word } >= times }
        }
    }

    static func with(
        _ body: (RedisSubscriber, Heard, RedisClient, PrivateRedis) async throws -> Void
    ) async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let heard = Heard()
                var logger = Logger(label: "test")
                logger.logLevel = .critical
                let subscriber = RedisSubscriber(client, name: "s", logger: logger)
                subscriber.onNews { heard.add($0) }
                try await body(subscriber, heard, client, redis)
                await subscriber.close()
                try await eventually("the connection is gone") {
                    try await client.execute(["CLIENT", "LIST", "TYPE", "pubsub"]).string == ""
                }
            }
        }
    }

    static func publish(_ client: RedisClient, _ channel: String, _ text: String) async throws {
        _ = try await client.execute(["PUBLISH", .init(channel), .init(text)])
    }

    @Test("follows channels one after another on one connection, and leaves them")
    func comingAndGoing() async throws {
        try await Self.with { subscriber, heard, client, _ in
            subscriber.follow("a", ticket: 1)
            try await heard.waitFor("followed a 1")
            subscriber.follow("b", ticket: 2)
            try await heard.waitFor("followed b 2")
            try await Self.publish(client, "a", "1")
            try await Self.publish(client, "b", "2")
            try await heard.waitFor("b: 2")
            subscriber.unfollow("a")
            subscriber.unfollow("b")
            try await eventually("nothing is followed") { try await client.execute(["PUBSUB", "CHANNELS"]) == .array([]) }
            try await Self.publish(client, "a", "3")
            // Gone and come again in one breath: the last wish counts, and says which it is.
            subscriber.follow("a", ticket: 3)
            subscriber.unfollow("a")
            subscriber.follow("a", ticket: 4)
            try await heard.waitFor("followed a 4")
            try await Self.publish(client, "a", "5")
            try await heard.waitFor("a: 5")
            #expect(heard.all == ["followed a 1", "followed b 2", "a: 1", "b: 2", "followed a 3", "followed a 4", "a: 5"])
        }
    }

    @Test("follows them again when Redis was killed, and when its connection was cut")
    func again() async throws {
        try await Self.with { subscriber, heard, client, redis in
            subscriber.follow("a", ticket: 1)
            try await heard.waitFor("followed a 1")
            try await redis.restart()
            try await heard.waitFor("followed a 1", times: 2)
            _ = try await client.execute(["CLIENT", "KILL", "TYPE", "pubsub"])
            try await heard.waitFor("followed a 1", times: 3)
            try await Self.publish(client, "a", "x")
            try await heard.waitFor("a: x")
            #expect(heard.all == ["followed a 1", "lost", "followed a 1", "lost", "followed a 1", "a: x"])
        }
    }

    @Test("says which channel Redis forbids, and follows the others")
    func forbidden() async throws {
        try await Self.with { subscriber, heard, client, _ in
            _ = try await client.execute(["ACL", "SETUSER", "default", "resetchannels", "&ok*"])
            for (ticket, channel) in ["ok1", "secret", "ok2"].enumerated() {
                subscriber.follow(channel, ticket: ticket)
                try await eventually("an answer for \(channel)") { heard.all.count > ticket }
            }
            #expect(heard.all == ["followed ok1 0", "refused secret 1 permission", "followed ok2 2"])
        }
    }

    @Test("waits for a Redis that is not there yet")
    func away() async throws {
        try await Self.with { subscriber, heard, _, redis in
            try await redis.kill()
            subscriber.follow("a", ticket: 1)
            try await redis.start()
            try await heard.waitFor("followed a 1")
        }
    }
}

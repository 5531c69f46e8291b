// Subscriptions as scopes, against a real server.

import TempestTesting
import Testing

@testable import TempestRedis

@Suite("A subscription", .timeLimit(.minutes(2)))
struct SubscriptionTests {
    func subscribers(_ client: RedisClient) async throws -> Int {
        let list = try await client.execute(["CLIENT", "LIST", "TYPE", "pubsub"]).string ?? ""
        return list.split(separator: "\n").count
    }

    @Test("sees everything from the first line of its body on, on channels and patterns, and ends with it")
    func messages() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let seen = try await client.withSubscription(channels: ["a", "b"], patterns: ["p.*"]) { subscription in
                    let published: [(String, [UInt8])] = [("a", [0, 255, 13, 10]), ("p.x", []), ("c", [1]), ("b", [2])]
                    for (channel, payload) in published {
                        _ = try await client.execute(["PUBLISH", RedisArgument(channel), RedisArgument(payload)])
                    }
                    var seen: [RedisMessage] = []
                    for try await message in subscription {
                        seen.append(message)
                        if seen.count == 3 { break }
                    }
                    return seen
                }
                #expect(
                    seen == [
                        RedisMessage(channel: "a", pattern: nil, payload: [0, 255, 13, 10]),
                        RedisMessage(channel: "p.x", pattern: "p.*", payload: []),
                        RedisMessage(channel: "b", pattern: nil, payload: [2]),
                    ])
                try await eventually("the connection is gone") { try await self.subscribers(client) == 0 }
            }
        }
    }

    @Test("is left when its body throws, and when its task is cancelled")
    func leaving() async throws {
        struct Leave: Error {}
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                await #expect(throws: Leave.self) {
                    try await client.withSubscription(channels: ["a"]) { _ in throw Leave() }
                }
                let task = Task {
                    try await client.withSubscription(channels: ["a"]) { subscription in
                        for try await _ in subscription {}
                    }
                }
                try await eventually("it is subscribed") { try await self.subscribers(client) == 1 }
                task.cancel()
                _ = await task.result
                try await eventually("the connection is gone") { try await self.subscribers(client) == 0 }
            }
        }
    }

    @Test("ends with an error when Redis dies")
    func lost() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let error = await #expect(throws: RedisError.self) {
                    try await client.withSubscription(channels: ["a"]) { subscription in
                        try await redis.kill()
                        for try await _ in subscription {}
                    }
                }
                #expect(error?.code == .connectionLost)
            }
        }
    }

    @Test("notices a silent Redis by its pings, and stays with one that answers them")
    func pings() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url, change: { $0.commandTimeout = .milliseconds(500) }) { client in
                let error = await #expect(throws: RedisError.self) {
                    try await client.withSubscription(channels: ["a"], pingInterval: .milliseconds(20)) { subscription in
                        try await eventually("pings are answered") {
                            let stats = try await client.execute(["INFO", "commandstats"]).string ?? ""
                            let calls = stats.split(separator: "cmdstat_ping:calls=").dropFirst().first?.prefix { $0 != "," }
                            return calls.flatMap { Int($0) } ?? 0 > 10
                        }
                        try redis.send(.stop)
                        for try await _ in subscription {}
                    }
                }
                try redis.send(.resume)
                #expect(error?.code == .connectionLost)
            }
        }
    }

    @Test("hands out what it has and then ends with an error when its reader falls too far behind")
    func overflow() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                var count = 0
                let error = await #expect(throws: RedisError.self) {
                    try await client.withSubscription(channels: ["a"]) { subscription in
                        let messages = [RedisCommand](repeating: ["PUBLISH", "a", "x"], count: RedisSubscription.capacity + 100)
                        _ = try await client.execute(messages)
                        try await eventually("the connection is closed") { try await self.subscribers(client) == 0 }
                        for try await _ in subscription { count += 1 }
                    }
                }
                #expect(count == RedisSubscription.capacity)
                #expect(error?.message.contains("10000 messages behind") == true)
            }
        }
    }

    @Test("that is not allowed fails before its body runs")
    func forbidden() async throws {
        let user = ["--user", "poor", "on", ">p", "resetchannels", "+subscribe"]
        try await withPrivateRedis(.init(arguments: user)) { redis in
            try await withClient(redis.url + "?user=poor&password=p") { client in
                let error = await #expect(throws: RedisError.self) {
                    try await client.withSubscription(channels: ["a"]) { _ in Issue.record("the body ran") }
                }
                #expect(error?.code == .permission)
                let empty = await #expect(throws: RedisError.self) {
                    try await client.withSubscription(channels: []) { _ in Issue.record("the body ran") }
                }
                #expect(empty?.code == .badArgument)
            }
        }
    }
}

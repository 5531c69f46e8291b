// A server that is silent, dies, or comes back: nobody waits for ever, and nothing is sent twice.

import NIOCore
import TempestTesting
import Testing

@testable import TempestRedis

@Suite("A connection in trouble", .timeLimit(.minutes(2)))
struct DeadlineTests {
    @Test("to a halted Redis ends at the oldest command's deadline; those behind may or may not have run")
    func halted() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let own: RedisConnection = try await client.open(name: "own")
                try redis.send(.stop)
                let clock = ContinuousClock()
                let start = clock.now
                let first = own.send(["BLMOVE", "a", "b", "LEFT", "RIGHT", "0.1"], timeout: .milliseconds(400))
                let second = own.send(["PING"])
                let timedOut = await #expect(throws: RedisError.self) { _ = try await first.get() }
                let lost = await #expect(throws: RedisError.self) { _ = try await second.get() }
                let elapsed = clock.now - start
                #expect(timedOut?.code == .timedOut)
                #expect(timedOut?.message.contains("BLMOVE within 0.4 s") == true)
                #expect(lost?.code == .connectionLost)
                #expect(lost?.message.contains("PING may or may not have run") == true)
                #expect(elapsed >= .milliseconds(390) && elapsed < .seconds(30))
                try await own.closeFuture.get()
                try redis.send(.resume)
            }
        }
    }

    @Test("that is made while Redis is halted gives up, and comes about once it goes on")
    func haltedConnect() async throws {
        try await withPrivateRedis { redis in
            try redis.send(.stop)
            try await withClient(redis.url, patience: .milliseconds(1), change: { $0.connectTimeout = .seconds(1) }) { client in
                let error = await #expect(throws: RedisError.self) { _ = try await client.execute(["PING"]) }
                #expect(error?.code == .timedOut)
                try redis.send(.resume)
                try await eventually("the client connects") { (try? await client.execute(["PING"])) == .status("PONG") }
            }
        }
    }

    @Test("that breaks under a written command fails it, and does not send it again")
    func killed() async throws {
        try await withPrivateRedis(.init(appendOnly: true)) { redis in
            try await withClient(redis.url, patience: .seconds(20)) { client in
                _ = try await client.execute(["SET", "n", "1"])
                let connection = try await client.connection().get()
                let run = connection.serverRunID
                try redis.send(.stop)
                // Submitted to the loop, so that it is certainly written when the server dies.
                let cut = try await connection.eventLoop.submit { connection.send(["INCR", "n"], timeout: .seconds(60)) }.get()
                try await redis.kill()
                let error = await #expect(throws: RedisError.self) { _ = try await cut.get() }
                #expect(error?.code == .connectionLost)
                #expect(error?.message.contains("INCR may or may not have run") == true, "\(String(describing: error))")
                // Patience: the command waits for the server that is only being started.
                async let value = client.execute(["GET", "n"])
                try await redis.start()
                #expect(try await value.integer == 1)
                #expect(try await client.connection().get().serverRunID != run)
            }
        }
    }

    @Test("is made anew again and again, and all who wait share one attempt")
    func restarts() async throws {
        try await withPrivateRedis(.init(tcp: true)) { redis in
            let url = try #require(redis.tcpURL)
            try await withClient(url, patience: .seconds(20)) { client in
                for _ in 0..<3 {
                    _ = try await client.execute(["PING"])
                    try await redis.restart()
                    try await eventually("the loss is seen") { try await client.connection().get().isActive }
                    let all = (0..<20).map { _ in client.connection() }
                    var distinct: Set<ObjectIdentifier> = []
                    for future in all { distinct.insert(ObjectIdentifier(try await future.get())) }
                    #expect(distinct.count == 1)
                }
            }
        }
    }

    @Test("that the server closes while it is idle is replaced without an error")
    func killedByServer() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                try await withClient(redis.url) { other in
                    let connection = try await client.connection().get()
                    _ = try await other.execute(["CLIENT", "KILL", "ID", RedisArgument(connection.clientID)])
                    try await connection.closeFuture.get()
                    #expect(try await client.execute(["PING"]) == .status("PONG"))
                }
            }
        }
    }

    @Test("to nobody costs no more than the patience, and a cancelled task not even that")
    func patience() async throws {
        try await withClient("redis://127.0.0.1:1", patience: .milliseconds(600)) { client in
            let clock = ContinuousClock()
            let start = clock.now
            await #expect(throws: RedisError.self) { _ = try await client.execute(["PING"]) }
            let elapsed = clock.now - start
            #expect(elapsed >= .milliseconds(500) && elapsed < .seconds(30))
        }
        try await withClient("redis://127.0.0.1:1", patience: .seconds(60)) { client in
            let task = Task { try await client.execute(["PING"]) }
            task.cancel()
            let error = try await withDeadline(.seconds(20), "the cancelled command ends") {
                await #expect(throws: RedisError.self) { _ = try await task.value }
            }
            #expect(error?.code == .refused)
        }
    }

    @Test("closed by us tells those who wait so")
    func closed() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let own: RedisConnection = try await client.open(name: "own")
                let parked = own.send(["BLPOP", "a", "0"], timeout: .seconds(60))
                try await own.close().get()
                let error = await #expect(throws: RedisError.self) { _ = try await parked.get() }
                #expect(error?.code == .closed)
            }
        }
    }
}

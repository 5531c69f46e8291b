// Many commands, large ones, strange bytes: order and content, against a real server.

import NIOCore
import TempestTesting
import Testing

@testable import TempestRedis

/// All byte values, again and again; made by doubling, which is quick in a debug build too.
func manyBytes(_ count: Int) -> [UInt8] {
    var bytes = (0...255).map { UInt8($0) }
    while bytes.count < count { bytes += bytes }
    return Array(bytes.prefix(count))
}

@Suite("Commands on one connection", .timeLimit(.minutes(2)))
struct PipeliningTests {
    @Test("10,000 of them sent without waiting are answered in order")
    func order() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let connection = try await client.connection().get()
                let sums = try await connection.eventLoop.flatSubmit {
                    EventLoopFuture.whenAllSucceed(
                        (0..<10_000).map { _ in connection.send(["INCR", "n"]) }, on: connection.eventLoop)
                }.get()
                #expect(sums.compactMap(\.integer) == (1...10_000).map { Int64($0) })
                let echoes = try await client.execute((0..<10_000).map { ["ECHO", RedisArgument($0)] })
                #expect(echoes.map { try? $0.get().integer } == (0..<10_000).map { Int64($0) })
            }
        }
    }

    @Test("sent from many tasks get each its own reply")
    func tasks() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<500 {
                        group.addTask { try await client.execute(["ECHO", RedisArgument(number)]).integer == Int64(number) }
                    }
                    for try await isOwn in group { #expect(isOwn) }
                }
                // All of them shared one connection, made by one attempt.
                let list = try await client.execute(["CLIENT", "LIST"]).string ?? ""
                #expect(list.split(separator: "\n").count { $0.contains("name=test ") } == 1)
            }
        }
    }

    @Test("an error in the middle fails its own command only")
    func errorInTheMiddle() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let results = try await client.execute([["SET", "a", "x"], ["INCR", "a"], ["GET", "a"]])
                #expect(results.count == 3)
                #expect(try results[0].get() == .status("OK"))
                #expect(throws: RedisError.self) { _ = try results[1].get() }
                #expect(try results[2].get().string == "x")
            }
        }
    }

    @Test("carry any bytes, and 20 MB of them")
    func payloads() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let all = (0...255).map { UInt8($0) } + [13, 10, 0, 36, 42]
                let big = manyBytes(20_000_000)
                for payload in [[], all, big] {
                    _ = try await client.execute(["SET", RedisArgument(all), RedisArgument(payload)])
                    #expect(try await client.execute(["GET", RedisArgument(all)]).bytes == payload)
                }
                // Small, large, small: the large one must not overtake or be overtaken.
                let results = try await client.execute([["SET", "k", "1"], ["SET", "k", RedisArgument(big)], ["STRLEN", "k"]])
                #expect(try results[2].get().integer == 20_000_000)
            }
        }
    }

    @Test("know their connection's number, the server's run and its version")
    func identity() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                let own: RedisConnection = try await client.open(name: "mine")
                let info = try await own.execute(["INFO", "server"]).string ?? ""
                #expect(try await own.execute(["CLIENT", "ID"]).integer == own.clientID)
                #expect(try await own.execute(["CLIENT", "GETNAME"]).string == "mine")
                #expect(own.serverRunID.count == 40 && info.contains(own.serverRunID))
                #expect(!own.serverVersion.isEmpty && info.contains("redis_version:\(own.serverVersion)"))
                #expect(own.isActive)
                try await own.close().get()
                #expect(!own.isActive)
                let error = await #expect(throws: RedisError.self) { _ = try await own.execute(["PING"]) }
                #expect(error?.code == .closed)
            }
        }
    }

    @Test("run in the database of the URL")
    func database() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url + "?db=3") { client in _ = try await client.execute(["SET", "a", "in three"]) }
            try await withClient(redis.url) { client in
                #expect(try await client.execute(["GET", "a"]) == .null)
                _ = try await client.execute(["SWAPDB", "0", "3"])
                #expect(try await client.execute(["GET", "a"]).string == "in three")
            }
        }
    }

    @Test("park on a connection of their own, past the ordinary time-out")
    func parked() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url, change: { $0.commandTimeout = .milliseconds(200) }) { client in
                let own: RedisConnection = try await client.open(name: "parked")
                let parked = own.send(["BLMOVE", "a", "b", "LEFT", "RIGHT", "0.5"], timeout: .seconds(3))
                #expect(try await parked.get() == .null)
                let woken = own.send(["BLMOVE", "a", "b", "LEFT", "RIGHT", "20"], timeout: .seconds(22))
                try await eventually("the command is parked") {
                    try await client.execute(["INFO", "clients"]).string?.contains("blocked_clients:1") == true
                }
                _ = try await client.execute(["RPUSH", "a", "job"])
                #expect(try await woken.get().string == "job")
                try await own.close().get()
            }
        }
    }
}

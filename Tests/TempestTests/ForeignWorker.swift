import TempestProtocol
import TempestRedis

@testable import Tempest

/// What a worker in another language would write, by hand.
extension Bench {
    @discardableResult
    func function(_ name: String, _ queue: String = "q", _ arguments: [RedisArgument] = []) async throws -> RedisReply {
        try await FunctionLoader.call(.fcall("tempest1_" + name, key: queue, arguments), on: redis)
    }

    /// Registers a process and makes its queue known.
    func register(_ process: String, on queue: String = "q") async throws {
        try await function("hello", queue, [.init(process), "new"])
        _ = try await redis.execute(["SADD", "tempest:queues", .init(queue)])
    }

    func write(record: String, for id: String) async throws {
        _ = try await redis.execute(["HSET", "tempest:nodes", .init(id), .init(record)])
    }

    /// Claims a payload as `process` and buries it. Returns the id of its record.
    @discardableResult
    func bury(
        _ payload: [UInt8], by process: String = "w.1", level: String = "default", reason: String = "exhausted",
        detail: String = "it failed"
    ) async throws -> String {
        if try await redis.execute(["HEXISTS", "{q}:!procs", .init(process)]).integer == 0 { try await register(process) }
        _ = try await redis.execute(["RPUSH", .init(level == "default" ? "q" : "{q}:\(level)"), .init(payload)])
        let last = try await redis.execute(["HGET", "{q}:!run:\(process)", "#"]).integer ?? 0
        let claimed = try await function(
            "claim", "q", [.init(process), .init(Int(last) + 1), "1", "100000000", .init(level)])
        let number = claimed.array?[2].integer ?? 0
        try await function(
            "settle", "q", [.init(process), .init("\(level).\(number)"), .init("dead \(reason) \(detail)"), "", ""])
        let newest = try await redis.execute(["XREVRANGE", "{q}:!dead", "+", "-", "COUNT", "1"])
        return newest.array?.first?.array?.first?.string ?? ""
    }

    func waiting(_ key: String = "q") async throws -> [[UInt8]] {
        (try await redis.execute(["LRANGE", .init(key), "0", "-1"]).array ?? []).compactMap(\.bytes)
    }
}

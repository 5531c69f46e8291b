// Sessions in Redis: there or not, longer, under a new id, ended. Between Sessions, which knows headers, and the scripts.

import Tempest
import TempestProtocol
import TempestRedis

/// Keeps sessions as the rules say. Everything throws ``RedisError`` when Redis cannot be reached or refuses.
struct SessionKeeper: Sendable {
    let redis: RedisClient
    let rules: SessionRules

    /// What is known of a session that is there.
    struct Found: Sendable {
        /// The bytes of the field `user`; nil when there is none.
        var user: [UInt8]?
    }

    /// Lengthens a session by its idle time, within the absolute one. Nil if there is no such session.
    func touch(_ id: RandomToken) async throws(RedisError) -> Found? {
        let reply = try await run(.touch, [id])
        guard let elements = reply.array else { return nil }
        return Found(user: elements.first?.bytes)
    }

    /// Gives a session another id; the old one is dead from then on. False if there is no such session.
    func rotate(_ id: RandomToken, to new: RandomToken) async throws(RedisError) -> Bool {
        try await run(.rotate, [id, new]).integer == 1
    }

    /// Ends a session; its id is dead from then on.
    func end(_ id: RandomToken) async throws(RedisError) {
        _ = try await run(.end, [id])
    }

    private func run(_ script: SessionScript, _ ids: [RandomToken]) async throws(RedisError) -> RedisReply {
        let keys: [RedisArgument] = ids.flatMap { [.text(JobSession.key($0)), .text(Self.bornKey($0))] }
        let words: [RedisArgument] =
            [.integer(Int64(keys.count))] + keys + [
                .integer(rules.idle.milliseconds), .integer(rules.absolute.milliseconds),
            ]
        do {
            return try await redis.execute(RedisCommand([.text("EVALSHA"), .text(script.digest)] + words))
        } catch  where error.reply?.hasPrefix("NOSCRIPT") == true {
            return try await redis.execute(RedisCommand([.text("EVAL"), .text(script.text)] + words))
        }
    }

    /// Beside the hash, and in the same slot of a cluster.
    static func bornKey(_ id: RandomToken) -> String { "{\(JobSession.key(id))}:born" }
}

// What an operator does to dead jobs: look, revive, forget. Before it: settle and reap, which bury them; after it: the tail of a level.

import NIOCore
public import TempestProtocol
import TempestRedis

extension TempestClient {
    /// The dead jobs of a queue, the newest first: at most `limit`, 1 or more, of those that the filter lets through.
    ///
    /// Throws ``RedisError``.
    public func dead(_ queue: QueueName, _ filter: DeadFilter = DeadFilter(), limit: Int = 50) async throws -> [DeadRecord] {
        var records: [DeadRecord] = []
        guard limit > 0 else { return [] }
        try await eachDead(queue, filter) { record in
            records.append(record)
            return records.count < limit
        }
        return records
    }

    /// One dead job; nil if there is no such record. An id that is none, such as `7`, fails with a ``RedisError``.
    public func dead(_ queue: QueueName, id: String) async throws -> DeadRecord? {
        let reply = try await redis.execute(["XRANGE", .init(Keys.dead(queue)), .init(id), .init(id)])
        return reply.array?.first.flatMap { DeadRecord($0, options: options) }
    }

    /// Hands the dead jobs that the filter lets through to `body`, the newest first, until it returns false.
    package func eachDead(
        _ queue: QueueName, _ filter: DeadFilter, _ body: (DeadRecord) async throws -> Bool
    ) async throws {
        guard let (first, start) = filter.range else { return }
        var end = first
        while true {
            let reply = try await redis.execute([
                "XREVRANGE", .init(Keys.dead(queue)), .init(end), .init(start), "COUNT", .init(Self.page),
            ])
            let entries = reply.array ?? []
            for entry in entries {
                guard let record = DeadRecord(entry, options: options), filter.passes(record) else { continue }
                guard try await body(record) else { return }
            }
            guard entries.count == Self.page, let last = entries.last?.array?.first?.string else { return }
            end = "(" + last
        }
    }

    /// Puts dead jobs back to the tails of their levels, in the order given, as if they had never been tried: `attempt` and
    /// `last_error` are taken out of their meta, in the codec that they came in; `deadline` and `expires_at` go where they
    /// have passed, because the jobs would end as expired at once. The rest of their bytes stays as it is. Bytes that are no job go back as they are, and only by `force`: most likely they die again.
    ///
    /// Returns what became of each. Throws ``RedisError``: some may be revived then already.
    public func revive(_ queue: QueueName, ids: [String], force: Bool = false) async throws -> [Revival] {
        var revivals: [Revival] = []
        let clock = ServerClock()
        // Who may not ask for the time starts jobs again with the times that they have.
        try? await redis.connection().flatMap { clock.ask($0) }.get()
        for start in stride(from: 0, to: ids.count, by: Self.page) {
            let page = ids[start..<min(start + Self.page, ids.count)]
            let key = RedisArgument(Keys.dead(queue))
            let looks = try await redis.execute(page.map { ["XRANGE", key, .init($0), .init($0)] })
            var outcomes: [Revival?] = []
            var commands: [RedisCommand] = []
            for (id, look) in zip(page, looks) {
                guard let entry = try look.get().array?.first, let record = DeadRecord(entry, options: options) else {
                    outcomes.append(.missing)
                    continue
                }
                if record.job == nil && !force {
                    outcomes.append(.noJob(record.trouble ?? ""))
                    continue
                }
                let payload = FreshJob.payload(record, now: clock.now, limits: options.limits) ?? []
                outcomes.append(nil)
                commands.append(.fcall(FunctionLibrary.revive, key: queue.description, [.init(id), .init(payload)]))
            }
            var replies = try await FunctionLoader.call(commands, on: redis).makeIterator()
            for outcome in outcomes {
                revivals.append(try outcome ?? Self.revival(replies.next()))
            }
        }
        return revivals
    }

    /// Deletes dead records. Returns how many of them there were. Throws ``RedisError``.
    @discardableResult
    public func forget(_ queue: QueueName, ids: [String]) async throws -> Int {
        var count = 0
        for start in stride(from: 0, to: ids.count, by: Self.page) {
            let page = ids[start..<min(start + Self.page, ids.count)]
            let command = RedisCommand.fcall(FunctionLibrary.forget, key: queue.description, page.map { .init($0) })
            count += Int(try await FunctionLoader.call(command, on: redis).integer ?? 0)
        }
        return count
    }

    private static func revival(_ reply: Result<RedisReply, RedisError>?) throws(RedisError) -> Revival {
        switch reply {
        case .success(let reply)?: return reply.integer == 1 ? .revived : .missing
        // What Redis says of this one record; the others are not held up by it.
        case .failure(let error)? where error.code == .badArgument || error.code == .reply: return .refused(error.message)
        case .failure(let error)?: throw error
        case nil: throw RedisError(.protocolError, "revive was answered with fewer replies than calls")
        }
    }

    /// Records of a look or a call: a queue keeps 64 MiB of them at most.
    private static let page = 64
}

/// What became of a dead job that was to be revived.
public enum Revival: Sendable, Equatable {
    /// It waits at the tail of its level.
    case revived
    /// There is no such record, or not any more.
    case missing
    /// Its bytes are no job, for this reason; it stays dead.
    case noJob(String)
    /// Redis refused, for this reason; it stays dead.
    case refused(String)
}

// What an operator does to queues: look, pause, resume, clear. The `tempest` program's subcommands are thin shells around these.

import TempestCodecs
public import TempestProtocol
import TempestRedis

extension TempestClient {
    /// The queues that workers of this Redis have served, sorted.
    public func queues() async throws -> [QueueName] {
        let names = try await redis.execute(["SMEMBERS", .init(Keys.queues)]).array ?? []
        return names.compactMap { $0.string.flatMap { try? QueueName($0) } }.sorted { $0.description < $1.description }
    }

    /// Makes a queue and its level known to those who look, as workers do when they start. Best effort: a producer may lack the rights.
    public func announce(_ queue: String, _ level: Level) async {
        guard let name = try? QueueName(queue) else { return }
        let levels = RedisCommand.fcall(FunctionLibrary.levels, key: name.description, [.init(level.description)])
        _ = try? await FunctionLoader.call(levels, on: redis)
        _ = try? await redis.execute(["SADD", .init(Keys.queues), .init(name.description)])
    }

    /// A queue as it is now; `levels` are looked at besides those that workers have made known.
    public func statistics(_ queue: QueueName, levels: [Level] = Level.customary) async throws -> QueueStatistics {
        let command = RedisCommand.fcall(FunctionLibrary.stats, key: queue.description, levels.map { .init($0.description) })
        return try QueueStatistics(queue, try await FunctionLoader.call(command, on: redis))
    }

    /// The next jobs of a level, foremost first, without taking them; decoded where they can be.
    public func peek(_ queue: QueueName, level: Level, count: Int) async throws -> [PeekedJob] {
        guard count > 0 else { return [] }
        let reply = try await redis.execute(["LRANGE", .init(Keys.level(queue, level)), "0", .init(count - 1)])
        return (reply.array ?? []).compactMap(\.bytes).map { payload in
            do throws(Malformed) {
                return PeekedJob(
                    payload: payload, job: try Job(payload, codecs: options.codecs, limits: options.limits), trouble: nil)
            } catch {
                return PeekedJob(payload: payload, job: nil, trouble: "\(error.reason.rawValue): \(error.detail)")
            }
        }
    }

    /// Workers of tier 1 and above stop taking from these levels; without levels, from the queue. Returns how many are newly paused.
    @discardableResult
    public func pause(_ queue: QueueName, levels: [Level] = []) async throws -> Int {
        try await operate(FunctionLibrary.pause, queue, levels)
    }

    /// The opposite; without levels, of all that are paused. Returns how many were.
    @discardableResult
    public func resume(_ queue: QueueName, levels: [Level] = []) async throws -> Int {
        try await operate(FunctionLibrary.resume, queue, levels)
    }

    /// Deletes the jobs that wait: in these levels, or in all when none is named; those that are to be run alone, and those of actions that
    /// no worker had a handler for, among them. What runs goes on, and dead jobs stay. A queue in which nothing is left, that nobody
    /// serves and of which nothing is paused, is no longer among ``queues()``.
    ///
    /// - Parameter delayed: also the jobs that are not due yet, and failed ones that wait for their next attempt; of all levels only.
    @discardableResult
    public func clear(_ queue: QueueName, levels: [Level] = [], delayed: Bool = false) async throws -> ClearedJobs {
        precondition(!delayed || levels.isEmpty, "delayed jobs are cleared with all levels")
        let what: RedisArgument = levels.isEmpty ? (delayed ? "delayed" : "all") : "levels"
        let names = levels.isEmpty ? Level.customary : levels
        let command = RedisCommand.fcall(
            FunctionLibrary.clear, key: queue.description, [what] + names.map { .init($0.description) })
        var cleared = ClearedJobs()
        var isLeft = true
        while isLeft {
            let numbers = try await FunctionLoader.call(command, on: redis).array?.compactMap(\.integer).map { Int($0) } ?? []
            guard numbers.count >= 5 else {
                throw RedisError(.protocolError, "clear returned another shape than tempest.lua documents")
            }
            cleared.waiting += numbers[0]
            cleared.suspects += numbers[1]
            cleared.unknown += numbers[2]
            cleared.delayed += numbers[3]
            isLeft = numbers[4] != 0
        }
        if levels.isEmpty, try await statistics(queue).isDeserted {
            _ = try await redis.execute(["SREM", .init(Keys.queues), .init(queue.description)])
        }
        return cleared
    }

    /// The levels that a queue is known to have, the customary ones among them.
    public func levels(of queue: QueueName) async throws -> [Level] {
        try await statistics(queue).levels.map(\.level)
    }

    private func operate(_ function: String, _ queue: QueueName, _ levels: [Level]) async throws -> Int {
        let command = RedisCommand.fcall(function, key: queue.description, levels.map { .init($0.description) })
        return Int(try await FunctionLoader.call(command, on: redis).integer ?? 0)
    }
}

/// How many jobs were deleted, by where they waited.
public struct ClearedJobs: Sendable, Hashable {
    /// In the lists of levels.
    public var waiting = 0
    /// To be run alone, because processes crashed under them.
    public var suspects = 0
    /// For a worker that has a handler for them.
    public var unknown = 0
    /// Until they are due.
    public var delayed = 0

    /// All of them.
    public var total: Int { waiting + suspects + unknown + delayed }
}

/// A waiting job, seen and not taken.
public struct PeekedJob: Sendable {
    public let payload: [UInt8]
    /// nil when the bytes are no job: `trouble` says why.
    public let job: Job?
    public let trouble: String?
}

// Where a measurement takes place: a Redis, worker processes, and a connection that watches. Before it: LoadSettings. After it: the loads.

import Logging
import NIOCore
import Tempest
import TempestProtocol
import TempestRedis
import TempestTesting

/// A Redis, and queues of our own in it, which are deleted at the end.
struct Stage: Sendable {
    let settings: LoadSettings
    let url: String
    let redis: RedisClient
    /// Queues are of this run alone.
    private let prefix: String

    static var quiet: Logger {
        var logger = Logger(label: "tempest.bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }

    /// Starts what is needed, runs the body, and leaves nothing behind.
    static func run<R>(_ settings: LoadSettings, _ body: (Stage) async throws -> R) async throws -> R {
        if let url = settings.redis { return try await scope(settings, url, body) }
        let options = PrivateRedis.Options(arguments: ["--maxclients", "20000"])
        return try await withPrivateRedis(options) { redis in try await scope(settings, redis.url, body) }
    }

    private static func scope<R>(_ settings: LoadSettings, _ url: String, _ body: (Stage) async throws -> R) async throws -> R {
        let redis = RedisClient(try RedisConfiguration(url: url), name: "tempest-bench", logger: quiet)
        let stage = Stage(
            settings: settings, url: url, redis: redis, prefix: "bench-\(UInt64.random(in: 0...UInt64(UInt32.max)))")
        let result: Result<R, any Error>
        do {
            try await redis.connection().flatMap { FunctionLoader.ensure(on: $0) }.get()
            result = .success(try await body(stage))
        } catch {
            result = .failure(error)
        }
        await stage.clean()
        await redis.shutdown()
        return try result.get()
    }

    /// A queue that nobody has used.
    func queue(_ name: String) throws -> QueueName { try QueueName("\(prefix)-\(name)") }

    /// Deletes the keys of this run.
    private func clean() async {
        let names = (try? await redis.execute(["SMEMBERS", .init(Keys.queues)]))?.array ?? []
        let ours = names.compactMap(\.string).filter { $0.hasPrefix("\(prefix)-") }
        if !ours.isEmpty { _ = try? await redis.execute(RedisCommand(["SREM", .init(Keys.queues)] + ours.map { .init($0) })) }
        // What workers say of themselves is theirs to take away, which those that were killed did not.
        let nodes = (try? await redis.execute(["HGETALL", .init(Keys.nodes)]))?.array ?? []
        let dead = stride(from: 0, to: nodes.count - 1, by: 2).filter { nodes[$0 + 1].string?.contains("\(prefix)-") == true }
            .compactMap { nodes[$0].string }
        if !dead.isEmpty { _ = try? await redis.execute(RedisCommand(["HDEL", .init(Keys.nodes)] + dead.map { .init($0) })) }
        var cursor = "0"
        repeat {
            let reply = try? await redis.execute(["SCAN", .init(cursor), "MATCH", .init("*\(prefix)-*"), "COUNT", "1000"])
            guard let parts = reply?.array, parts.count == 2, let next = parts[0].string else { return }
            let keys = (parts[1].array ?? []).compactMap(\.string)
            if !keys.isEmpty { _ = try? await redis.execute(RedisCommand(["UNLINK"] + keys.map { .init($0) })) }
            cursor = next
        } while cursor != "0"
    }

    func client(codec: (any Codec)? = nil) throws -> TempestClient {
        var options = ClientOptions()
        options.codec = codec ?? settings.codec
        return try TempestClient(redis: RedisConfiguration(url: url), options: options, logger: Self.quiet)
    }

    /// Fills a queue, spread over the levels.
    func fill(_ queue: QueueName, jobs: Int, inbox: InboxID?) async throws {
        let job = LoadJob(codec: settings.codec, size: settings.size, inbox: inbox)
        let levels = try LoadLevels.named(settings.levels)
        let batch = max(1, min(1000, (1 << 20) / (settings.size + 64)))
        for (number, start) in stride(from: 0, to: jobs, by: batch).enumerated() {
            let payloads = try (start..<min(start + batch, jobs)).map { RedisArgument(try job.payload($0)) }
            let key = Keys.level(queue, levels[number % levels.count])
            _ = try await redis.execute(RedisCommand(["RPUSH", .init(key)] + payloads))
        }
    }

    func settled(_ queue: QueueName) async throws -> Int {
        let reply = try await redis.execute(["HGET", .init("{\(queue)}:!counts"), "settled"])
        return reply.string.flatMap { Int($0) } ?? 0
    }

    /// Until that many processes serve the queue.
    func ready(_ queue: QueueName, processes: Int) async throws {
        try await eventually(within: .seconds(60), "the workers are there") {
            try await redis.execute(["HLEN", .init("{\(queue)}:!procs")]).integer ?? 0 >= processes
        }
    }

    /// Runs worker processes on the queues while the body runs.
    func withWorkers<R>(
        _ count: Int, _ queues: [QueueName], _ body: ([ChildProcess]) async throws -> R
    ) async throws -> R {
        try await start(count, queues, [], body)
    }

    private func start<R>(
        _ count: Int, _ queues: [QueueName], _ running: [ChildProcess], _ body: ([ChildProcess]) async throws -> R
    ) async throws -> R {
        guard running.count < count else { return try await body(running) }
        return try await ProcessRunner(settings.program, settings.worker(queues.map(\.description), redis: url)).run { child in
            try await start(count, queues, running + [child], body)
        }
    }
}

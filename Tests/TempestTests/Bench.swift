// What the tests of workers share. Before it: a private Redis. After it: a test's own workers.

import Logging
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// What the tests of workers share: a private Redis, a client, and a bare connection to look with.
struct Bench {
    let server: PrivateRedis
    let configuration: RedisConfiguration
    let client: TempestClient
    let redis: RedisClient

    static func run<R>(_ options: PrivateRedis.Options = .init(), _ body: (Bench) async throws -> R) async throws -> R {
        try await withPrivateRedis(options) { server in
            let configuration = try RedisConfiguration(url: server.url)
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let bench = Bench(
                server: server, configuration: configuration, client: try TempestClient(redis: configuration, logger: logger),
                redis: RedisClient(configuration, logger: logger))
            do {
                let result = try await body(bench)
                await bench.client.shutdown()
                await bench.redis.shutdown()
                return result
            } catch {
                await bench.client.shutdown()
                await bench.redis.shutdown()
                throw error
            }
        }
    }

    func worker(
        _ queues: [String] = ["q"], concurrency: Int = 10, levels: [Level] = Level.customary, grace: Duration = .seconds(5),
        _ change: (inout WorkerOptions) -> Void = { _ in }
    ) throws -> Worker {
        var options = WorkerOptions()
        (options.concurrency, options.levels, options.grace, options.name) = (concurrency, levels, grace, "test")
        // Most tests have one worker, for whose handlers nobody waits.
        options.unknownPatience = .zero
        change(&options)
        var logger = Logger(label: "test.worker")
        logger.logLevel = .critical
        return try Worker(queues: queues, redis: configuration, options: options, logger: logger)
    }

    func push(_ payload: String, to key: String = "q") async throws {
        _ = try await redis.execute(["RPUSH", .init(key), .init(payload)])
    }

    /// Takes an answer out of an inbox as somebody without a library would.
    func answer(_ inbox: String, queue: String = "q") async throws -> Value {
        var answer: [UInt8] = []
        try await eventually("an answer in \(inbox)") {
            answer = try await redis.execute(["LPOP", .init("{\(queue)}:in:\(inbox)")]).bytes ?? []
            return !answer.isEmpty
        }
        let codec = try #require(CodecSet.standard.detect(answer))
        return try codec.value(answer)
    }

    /// The dead jobs: reason, detail, bytes.
    func dead(_ queue: String = "q") async throws -> [(reason: String, detail: String, job: [UInt8])] {
        let records = try await redis.execute(["XRANGE", .init("{\(queue)}:!dead"), "-", "+"]).array ?? []
        return records.map { record in
            let words = record.array?[1].array ?? []
            var map: [String: RedisReply] = [:]
            for index in stride(from: 0, to: words.count - 1, by: 2) { map[words[index].string ?? ""] = words[index + 1] }
            return (map["reason"]?.string ?? "", map["detail"]?.string ?? "", map["job"]?.bytes ?? [])
        }
    }

    /// Jobs claimed and not settled.
    func running(_ queue: String = "q") async throws -> Int { try await client.statistics(QueueName(queue)).running }
}

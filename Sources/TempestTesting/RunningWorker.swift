// A worker of a test's own: users test their handlers with it, as our own tests do.

public import Tempest

/// Runs a worker while the body runs: the body begins when the worker is ready, and the worker is gone when the body has ended.
///
/// ```swift
/// try await withPrivateRedis { redis in
///     let worker = try Worker(queues: ["tempest"], redis: RedisConfiguration(url: redis.url))
///     worker.handle("add") { (_: JobContext, a: Int, b: Int) in a + b }
///     try await withRunning(worker) {
///         let client = try TempestClient(redis: RedisConfiguration(url: redis.url))
///         #expect(try await client.call("add", 2, 3) == 5)
///     }
/// }
/// ```
///
/// The worker ends by cancellation: what still runs is given back to its queue.
public func withRunning<R>(
    _ worker: Worker, within limit: Duration = .seconds(30), _ body: () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await worker.run() }
        do {
            try await eventually(within: limit, "the worker is ready") { worker.readiness.isReady }
            let result = try await body()
            group.cancelAll()
            try await group.waitForAll()
            return result
        } catch {
            group.cancelAll()
            throw error
        }
    }
}

// Runs the processes of one private Redis, one after another, and knows when the current one is ready.
// Between withPrivateRedis, which makes and ends it, and PrivateRedis, which asks it for signals and restarts.

import Logging
import Synchronization
import TempestRedis

final class PrivateRedisKeeper: Sendable {
    private struct State {
        var child: ChildProcess?
        var starts = 0
    }

    private let state = Mutex(State())
    private let requests: AsyncStream<Void>
    private let request: AsyncStream<Void>.Continuation
    let command: ProcessRunner

    init(command: ProcessRunner) {
        self.command = command
        (self.requests, self.request) = AsyncStream.makeStream(of: Void.self)
    }

    /// The process that runs now, or the last one.
    var child: ChildProcess? { self.state.withLock { $0.child } }

    func requestStart() {
        self.state.withLock { $0.child = ChildProcess(name: "redis-server") }
        self.request.yield()
    }

    func finish() { self.request.finish() }

    /// Runs a process for each request, until `finish`. A cancelled task kills the current one.
    func run() async throws {
        for await _ in self.requests {
            guard let child = self.child else { continue }
            try await child.run(self.command)
        }
    }

    /// Waits for PING to be answered.
    ///
    /// - Throws: TestingError with the log when the process ends before, or does not answer within 60 s.
    func waitUntilReady(_ redis: PrivateRedis) async throws {
        guard let child = self.child else { throw TestingError("the private Redis was not started") }
        // Found before anything is sent to it: nobody else's program sits on a socket in our folder.
        let client = RedisClient(try RedisConfiguration(url: redis.url), name: "private", logger: Logger(label: "private-redis"))
        do {
            try await eventually(within: .seconds(60), "the private Redis answers") {
                if let status = child.exitStatus { throw Self.failed(status, child, redis) }
                do {
                    let connection: RedisConnection = try await client.open(name: "ready")
                    connection.close()
                    return true
                } catch let error as RedisError {
                    // An answer of any kind is a sign of life, except that it still loads.
                    return error.reply != nil && error.code != .loading
                }
            }
        } catch {
            await client.shutdown()
            guard let error = error as? TestingError else { throw error }
            throw TestingError("\(error.message)\(redis.log.isEmpty ? "" : "\nIts log:\n" + redis.log)")
        }
        await client.shutdown()
    }

    private static func failed(_ status: ExitStatus, _ child: ChildProcess, _ redis: PrivateRedis) -> TestingError {
        if case .exited(126...127) = status {
            return TestingError("redis-server is not on PATH: apt-get install redis-server. \(child.tail)")
        }
        return TestingError("the private Redis ended before it was ready (\(status)); \(child.tail)")
    }
}

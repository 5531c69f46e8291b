// Takes the jobs of dead processes back into their queues: ends the connections that could still take jobs for them, then calls reap
// until nothing is left. Before it: an observer, or a supervisor that saw the process end. After it: the jobs wait again.

package import Logging
import NIOCore
import TempestCodecs
import TempestProtocol
package import TempestRedis

package struct Reaper: Sendable {
    private let redis: RedisClient
    private let logger: Logger

    package init(redis: RedisClient, logger: Logger) {
        (self.redis, self.logger) = (redis, logger)
    }

    /// Reaps every process of every queue whose name begins with `prefix`, which must be certain to be dead; returns how many jobs went
    /// back. For supervisors, whose children are called `<TEMPEST_PROCESS>.<ULID>`.
    package func reap(prefix: String) async throws -> Int {
        var moved = 0
        let connection = try await redis.connection().get()
        for name in try await connection.execute(["SMEMBERS", .init(Keys.queues)]).array ?? [] {
            guard let queue = name.string.flatMap({ try? QueueName($0) }) else { continue }
            for process in try await connection.execute(["HKEYS", .init(Keys.processes(queue))]).array ?? [] {
                guard let process = process.string, process.hasPrefix(prefix) else { continue }
                moved += try await reap(process, of: queue, on: connection).get()
            }
        }
        return moved
    }

    /// Reaps one process; with a counter only if its beat still stands there. Fails when Redis does.
    func reap(
        _ process: String, of queue: QueueName, counter: Int64? = nil, on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        endConnections(of: process, queue, on: connection).flatMap {
            self.bringBack(process, queue, counter.map { "\($0)" } ?? "*", moved: 0, on: connection)
        }
    }

    /// A BLMOVE that is still parked could take a job for somebody who is no more.
    private func endConnections(of process: String, _ queue: QueueName, on connection: RedisConnection) -> EventLoopFuture<Void> {
        connection.send(["SMEMBERS", .init(Keys.connections(queue, process))]).flatMap { reply in
            let ends = (reply.array ?? []).compactMap(\.string).map { id in
                StaleConnection.end(id, of: process, by: connection).flatMapErrorThrowing { error in
                    // Without the right to end others, what lands for the dead is found in its grave.
                    guard let error = error as? RedisError, error.reply != nil else { throw error }
                    logger.debug("could not end a connection of a dead process", metadata: [LogKey.error: "\(error)"])
                }
            }
            return .andAllSucceed(ends, on: connection.eventLoop)
        }
    }

    private func bringBack(
        _ process: String, _ queue: QueueName, _ seen: String, moved: Int, on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        connection.send(.fcall(FunctionLibrary.reap, key: queue.description, [.init(process), .init(seen)])).flatMap { reply in
            guard let parts = reply.array, parts.count >= 4, let count = parts[0].integer, let left = parts[1].integer else {
                return connection.eventLoop.makeFailedFuture(
                    RedisError(.protocolError, "reap returned another shape than tempest.lua documents"))
            }
            guard count >= 0 else { return connection.eventLoop.makeSucceededFuture(moved) }
            let answer = DeadJobAnswer(queue: queue, logger: logger)
            for payload in (parts[2].array ?? []).compactMap(\.bytes) { answer.send(.poison, payload, on: connection) }
            for payload in (parts[3].array ?? []).compactMap(\.bytes) { answer.send(.interrupted, payload, on: connection) }
            let moved = moved + Int(count)
            if left > 0 { return bringBack(process, queue, seen, moved: moved, on: connection) }
            let metadata: Logger.Metadata = [
                LogKey.queue: "\(queue)", LogKey.process: "\(process.prefix(128))", "jobs": "\(moved)",
            ]
            logger.notice("a process is dead: its jobs are back in the queue", metadata: metadata)
            return connection.eventLoop.makeSucceededFuture(moved)
        }
    }
}

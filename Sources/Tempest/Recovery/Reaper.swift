// Takes the jobs of dead processes back into their queues: ends the connections that could still take jobs for them, then calls reap
// until nothing is left, and tells the callers of jobs that died with them. A caller is on record as untold until the next call of reap
// names its job: should this process die in between, another tells it. The call says also when none could be told: else it would look as
// if their jobs had crashed this process.

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
            for process in try await dead(queue, on: connection) where process.hasPrefix(prefix) {
                moved += try await reap(process, of: queue, on: connection).get()
            }
        }
        return moved
    }

    /// The processes that are registered, and those that were reaped and have untold callers.
    private func dead(_ queue: QueueName, on connection: RedisConnection) async throws -> Set<String> {
        let registered = try await connection.execute(["HKEYS", .init(Keys.processes(queue))]).array ?? []
        // Beside them stand their tries, `P#`.
        let untold = try await connection.execute(["HKEYS", .init(Keys.untold(queue))]).array ?? []
        return Set((registered + untold).compactMap(\.string).filter { !$0.hasSuffix("#") })
    }

    /// Reaps one process; with a counter only if its beat still stands there. Fails when Redis does.
    func reap(
        _ process: String, of queue: QueueName, counter: Int64? = nil, on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        endConnections(of: process, queue, on: connection).flatMap {
            self.bringBack(process, queue, counter.map { "\($0)" } ?? "*", said: [], Progress(), on: connection)
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

    private struct Progress {
        var (moved, told) = (0, 0)
        /// Why a caller could not be told.
        var refusal: String?
    }

    /// One call of reap after the other; `said` is what this one says of those whom the last one returned: the dead records whose callers
    /// were told, or `~`, none could be.
    private func bringBack(
        _ process: String, _ queue: QueueName, _ seen: String, said: [RedisArgument], _ before: Progress,
        on connection: RedisConnection
    ) -> EventLoopFuture<Int> {
        let arguments: [RedisArgument] = [.init(process), .init(seen), "told"] + said
        return connection.send(.fcall(FunctionLibrary.reap, key: queue.description, arguments)).flatMap { reply in
            guard let parts = reply.array, parts.count >= 4, let count = parts[0].integer, let left = parts[1].integer else {
                return connection.eventLoop.makeFailedFuture(
                    RedisError(.protocolError, "reap returned another shape than tempest.lua documents"))
            }
            guard count >= 0 else {
                // It beats, or another was quicker.
                if before.moved + before.told > 0 { report(process, queue, before, untold: 0) }
                return connection.eventLoop.makeSucceededFuture(before.moved)
            }
            var progress = before
            progress.moved += Int(count)
            let (poisoned, interrupted) = (parts[2].array ?? [], parts[3].array ?? [])
            guard poisoned.isEmpty, interrupted.isEmpty else {
                return tell(queue, poisoned: poisoned, interrupted: interrupted, on: connection).flatMap {
                    [progress] told, refusal in
                    var progress = progress
                    progress.told += told.count
                    progress.refusal = refusal ?? progress.refusal
                    let said = told.isEmpty ? ["~"] : told
                    return bringBack(process, queue, seen, said: said, progress, on: connection)
                }
            }
            if left > 0, count > 0 { return bringBack(process, queue, seen, said: [], progress, on: connection) }
            report(process, queue, progress, untold: Int(left))
            return connection.eventLoop.makeSucceededFuture(progress.moved)
        }
    }

    /// Tells callers, of whom each list has the id of the dead record and the payload; returns the ids of those who are told, and why
    /// another one is not.
    private func tell(
        _ queue: QueueName, poisoned: [RedisReply], interrupted: [RedisReply], on connection: RedisConnection
    ) -> EventLoopFuture<([RedisArgument], String?)> {
        let answer = DeadJobAnswer(queue: queue, logger: logger)
        let lists: [(DeadJobAnswer.Reason, [RedisReply])] = [(.poison, poisoned), (.interrupted, interrupted)]
        let answers = lists.flatMap { reason, list in
            stride(from: 0, to: list.count - 1, by: 2).compactMap {
                index -> EventLoopFuture<(String, DeadJobAnswer.Outcome)>? in
                guard let record = list[index].string, let payload = list[index + 1].bytes else { return nil }
                return answer.send(reason, payload, on: connection).map { (record, $0) }
            }
        }
        return EventLoopFuture.whenAllSucceed(answers, on: connection.eventLoop).map { outcomes in
            var (told, refusal): ([RedisArgument], String?) = ([], nil)
            for (record, outcome) in outcomes {
                switch outcome {
                case .told: told.append(.init(record))
                case .refused(let why): refusal = why
                }
            }
            return (told, refusal)
        }
    }

    /// `untold` callers are left to whoever observes.
    private func report(_ process: String, _ queue: QueueName, _ progress: Progress, untold: Int) {
        let metadata: Logger.Metadata = [LogKey.queue: "\(queue)", LogKey.process: "\(process.prefix(128))"]
        if progress.moved > 0 || progress.told + untold == 0 {
            let jobs: Logger.Metadata = ["jobs": "\(progress.moved)"]
            logger.warning(
                "a process is dead: its jobs are back in the queue", metadata: metadata.merging(jobs) { $1 })
        }
        if progress.told > 0 {
            let callers: Logger.Metadata = ["callers": "\(progress.told)"]
            logger.warning("told callers of jobs that died with a process", metadata: metadata.merging(callers) { $1 })
        }
        if untold > 0 {
            var why: Logger.Metadata = ["callers": "\(untold)"]
            why[LogKey.error] = progress.refusal.map { "\($0)" }
            logger.warning(
                "callers of jobs that died with a process could not be told; another worker tries again",
                metadata: metadata.merging(why) { $1 })
        }
    }
}

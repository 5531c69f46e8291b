// Jobs whose action no process has a handler for, once they have waited long enough (protocol/queues.md, "Unknown actions"). The keeper of
// the clock takes them, and ends them as dead.

import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// Takes those that are to be given up. They need no slots: none of them runs a handler.
    func giveUpUnknown(_ session: Session, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup) async throws {
        // Many may have waited long enough; but the queue is to be served, too.
        for _ in 0..<20 {
            var reply: ClaimReply
            do {
                reply = try ClaimReply(
                    try await session.main.execute(
                        .fcall(FunctionLibrary.unknown, key: queue.description, [.init(session.process.description)])))
            } catch {
                throw RunnerTrouble(error)
            }
            guard !reply.jobs.isEmpty else { return }
            for index in reply.jobs.indices { reply.jobs[index].hasWaited = true }
            slots.force(reply.jobs.count)
            start(reply.jobs[...], end, &jobs)
        }
    }

    /// Nobody is to wait for this process: it claims no more.
    func knowNothing(_ session: Session) async throws(RunnerTrouble) {
        do {
            _ = try await session.main.execute(
                .fcall(
                    FunctionLibrary.hello, key: queue.description,
                    [
                        .init(session.process.description), "again", .init("database/\(redis.configuration.database)"),
                        "actions/none",
                    ]),
                timeout: isStopping ? Self.lastTry : nil)
        } catch {
            throw RunnerTrouble(error)
        }
    }
}

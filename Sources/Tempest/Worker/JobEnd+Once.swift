// Jobs that are to be run once (protocol/queues.md, "Once"): marked as begun before their handlers are called, and ended as interrupted when
// the worker leaves their handlers behind.

import Logging
import NIOCore
import TempestProtocol
import TempestRedis

extension JobEnd {
    /// Marks jobs that are to be run once, in one call; returns those that may be run. When a reply is lost the call is made again: nothing
    /// is run before Redis has said that it knows.
    func mark(_ claims: [Claim]) async -> Set<Claim> {
        var backoff = Backoff()
        var isSaid = false
        while true {
            let held = claims.filter(isHeld)
            guard !held.isEmpty, run.running.mark(held) else { return [] }
            do {
                guard let connection = ledger.connection(of: run.process) else {
                    throw RedisError(.connectionLost, "no connection to Redis")
                }
                let reply = try await connection.execute(
                    .fcall(
                        FunctionLibrary.begin, key: run.queue.description,
                        [.init(run.process.description)] + held.map { .init($0.description) }))
                return sorted(held, reply.array ?? [])
            } catch let error as RedisError {
                guard error.code != .fenced else {
                    ledger.failed(error, by: run.process)
                    return []
                }
                if !Self.passes(error), !isSaid {
                    isSaid = true
                    run.logger.error(
                        "jobs that are to be run once cannot be marked as begun; trying again",
                        metadata: [LogKey.error: "\(error)"])
                }
                guard (try? await Task.sleep(for: .nanoseconds(backoff.next().nanoseconds))) != nil else { return [] }
            } catch {
                return []
            }
        }
    }

    /// Those of the claims that Redis has marked; the others are not ours any more.
    private func sorted(_ claims: [Claim], _ words: [RedisReply]) -> Set<Claim> {
        var ours: Set<Claim> = []
        for (index, claim) in claims.enumerated() {
            if index < words.count, words[index].integer == 1 {
                ours.insert(claim)
            } else {
                run.logger.warning(
                    "a job was given to another process before it was begun", metadata: [LogKey.claim: "\(claim)"])
                ledger.abandon(claim, by: run.process)
            }
        }
        return ours
    }

    /// Ends a job whose handler is left behind: its caller is told that it may have been carried out.
    func interrupt(_ job: RunningJob) async {
        let finished = FinishedJob(outcome: .interrupted, closing: job.closing)
        await apply(finished, job.job, job.journey, job.claim, job.job.action)
    }
}

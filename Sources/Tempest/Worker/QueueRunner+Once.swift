// How a work loop begins jobs that are to be run once, and what becomes of those that it has begun when the worker leaves
// (protocol/queues.md, "Once").

import NIOCore
import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// How long a worker that leaves tries to tell the callers of jobs that it has begun.
    private static var lastWords: Duration { .seconds(2) }

    /// Marks them all by one call, and runs them once Redis has said that it knows.
    func startOnce(_ once: [RunningJob], _ end: JobEnd, _ jobs: inout DiscardingTaskGroup) {
        for start in stride(from: 0, to: once.count, by: FunctionLibrary.largestBatch) {
            let batch = once[start..<min(start + FunctionLibrary.largestBatch, once.count)]
            let claims = batch.map(\.claim)
            let marked = loop.makePromise(of: Set<Claim>.self)
            // Sent here and now: by the time that the tasks below have begun, the reply is on its way.
            jobs.addImmediateTask { marked.succeed(await end.mark(claims)) }
            for job in batch {
                jobs.addTask(executorPreference: globalConcurrentExecutor) {
                    guard let ours = try? await marked.futureResult.get(), ours.contains(job.claim) else { return }
                    await end.carryOut(job)
                }
            }
        }
    }

    /// Before goodbye: what was marked and never run goes back, what still runs is settled as interrupted, with its answer.
    func leaveOnce(_ session: Session, _ running: RunningJobs) async throws(RunnerTrouble) {
        let (begun, unrun) = running.leaveOnce()
        if !unrun.isEmpty {
            let inOrder = unrun.sorted { $0.number < $1.number }
            do { try await giveBack(inOrder, session, unrun: true) } catch { throw RunnerTrouble(error) }
        }
        guard !begun.isEmpty else { return }
        // An answer to another queue or another node may take its time.
        await withTaskGroup { group in
            group.addTask { try? await Task.sleep(for: Self.lastWords) }
            group.addTask {
                await withDiscardingTaskGroup { answers in
                    for job in begun { answers.addTask { await job.end.interrupt(job) } }
                }
            }
            await group.next()
            group.cancelAll()
        }
        let patience = NIODeadline.now() + .nanoseconds(Self.lastWords.nanoseconds)
        while ledger.unsettled > 0, NIODeadline.now() < patience {
            try RunnerTrouble.check(await bell.wait(atMost: patience - .now(), on: loop))
        }
    }
}

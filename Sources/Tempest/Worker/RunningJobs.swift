// The handlers that run now in one worker on one queue: so that one of them can be cancelled by its job's id or its time-out, and people
// can see what a worker is at. Before it: a decoded job. Beside it: the ledger, which knows claims, not handlers.

import Dispatch
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol

final class RunningJobs: Sendable {
    /// How many of them a note names.
    private static let noted = 20

    private struct State {
        var entries: [Claim: RunningJob] = [:]
        /// Ids that were cancelled lately: their jobs may be on their way here from a claim.
        var cancelled: Set<String> = []
        var order: [String] = []
        /// Claims that may be marked as begun in Redis, and whose handlers have not been called.
        var marked: Set<Claim> = []
        /// The incarnation is over: nothing begins any more.
        var isOver = false
    }

    /// How many cancelled ids are remembered.
    private static let remembered = 1024

    private let state = Mutex(State())
    private let lastNote = Mutex<[UInt8]>([])

    /// The handler's task, the present one, can be stopped under the name of its claim from now on, until ``end(_:)``.
    ///
    /// Returns why it is not to run, if it was told to stop before it had begun: then it has ended already.
    func begin(_ job: RunningJob) -> RunningJob.Stop? {
        // Always called in a task.
        withUnsafeCurrentTask { task in task.map { job.begin($0) } }
        let refusal = state.withLock { state -> RunningJob.Stop? in
            if state.isOver { return .lost }
            if !state.cancelled.isEmpty, state.cancelled.contains("\(job.job.id)") { return .cancelled }
            state.entries[job.claim] = job
            if job.rules.once { state.marked.remove(job.claim) }
            return nil
        }
        return refusal.map { job.finish() ?? $0 }
    }

    /// The handler has returned; why it had been told to stop, if it had been.
    func end(_ job: RunningJob) -> RunningJob.Stop? {
        state.withLock { _ = $0.entries.removeValue(forKey: job.claim) }
        return job.finish()
    }

    /// Stops it once its time is over; to be cancelled when it ends before.
    func stop(_ job: RunningJob, after timeout: TimeAmount, on loop: any EventLoop) -> Scheduled<Void> {
        loop.scheduleTask(in: timeout) { self.stop([job], .timeout) }
    }

    /// Tells the handlers of a job to stop; how many there were.
    @discardableResult
    func cancel(_ job: String) -> Int {
        let jobs = state.withLock { state in
            if state.cancelled.insert(job).inserted { state.order.append(job) }
            if state.order.count > Self.remembered { state.cancelled.remove(state.order.removeFirst()) }
            return state.entries.values.filter { "\($0.job.id)" == job }
        }
        stop(jobs, .cancelled)
        return jobs.count
    }

    // MARK: Jobs that are to be run once

    /// These are about to be marked as begun; false when nothing begins any more.
    func mark(_ claims: [Claim]) -> Bool {
        state.withLock { state in
            if !state.isOver { state.marked.formUnion(claims) }
            return !state.isOver
        }
    }

    /// From now on nothing begins. The jobs that are to be run once, whose handlers run, and the claims of those that were marked and whose
    /// handlers will never be called.
    func leaveOnce() -> (begun: [RunningJob], unrun: Set<Claim>) {
        state.withLock { state in
            state.isOver = true
            defer { state.marked = [] }
            return (state.entries.values.filter(\.rules.once), state.marked)
        }
    }

    /// The ids of the jobs whose handlers run.
    var ids: [String] { state.withLock { $0.entries.values.map { "\($0.job.id)" } } }

    /// Nothing that still runs is ours any more, and nothing begins.
    func stopAll() {
        let jobs = state.withLock { state in
            state.isOver = true
            return Array(state.entries.values)
        }
        stop(jobs, .lost)
    }

    private func stop(_ jobs: [RunningJob], _ reason: RunningJob.Stop) {
        let stopped = jobs.filter { $0.note(reason) }
        guard !stopped.isEmpty else { return }
        // Whoever is cancelled may do something about it at once (`onCancel`), and for long: not on the thread that beats.
        DispatchQueue.global().async { for job in stopped { job.cancel() } }
    }

    /// What runs, for people (protocol/queues.md, "News, control and nodes"): nil when it is what the last note said.
    func note() -> [UInt8]? {
        let (count, oldest) = state.withLock { state in
            (state.entries.count, state.entries.values.map { ($0.job.id, $0.job.action, $0.claim.level, $0.started) })
        }
        let running: [Value] = oldest.sorted { $0.3 < $1.3 }.prefix(Self.noted).map { job, action, level, started in
            .array([.text("\(job)"), .text(action), .text("\(level)"), .int(Int64(started))])
        }
        let note: Value = ["running": .array(running), "count": .int(Int64(count))]
        guard let bytes = try? JSONCodec().encode(note) else { return nil }
        return lastNote.withLock { last in
            defer { last = bytes }
            return last == bytes ? nil : bytes
        }
    }

    /// The next note is sent whatever the last one said: Redis has forgotten it.
    func forgetNote() { lastNote.withLock { $0 = [] } }
}

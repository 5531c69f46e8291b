// Jobs of quick handlers, run one after the other in one task, for as long as none of them waits: a task for each would cost more than they
// do. Before it: QueueRunner, which has found out that they are quick. After it: JobEnd.

import Synchronization

final class QuickJobs: Sendable {
    /// How many of them there may be: those at the end have waited for the others.
    static let most = 16

    private struct State {
        /// The job that is begun next.
        var next = 0
        /// Which of the tasks may begin it: the last that was made.
        var turn = 0
    }

    private let jobs: [RunningJob]
    private let end: JobEnd
    private let state = Mutex(State())

    init(_ jobs: [RunningJob], _ end: JobEnd) { (self.jobs, self.end) = (jobs, end) }

    /// Begins all of them on this thread. A handler that waits keeps its task, and the next job has another.
    func run(in group: inout DiscardingTaskGroup) {
        var begun = 0
        while let turn = open() {
            group.addImmediateTask { await self.run(turn) }
            let next = state.withLock { $0.next }
            // Should the task not have begun here after all, it comes to all of them later; another would not begin either.
            guard next > begun else { return }
            begun = next
        }
    }

    private func run(_ turn: Int) async {
        repeat {
            guard let job = next(turn) else { return }
            await end.carryOut(job)
            // A cancellation was for that job, and its task is of no use to others.
        } while !Task.isCancelled
    }

    /// The turn of another task; nil when every job has begun.
    private func open() -> Int? {
        state.withLock { state in
            guard state.next < jobs.count else { return nil }
            state.turn += 1
            return state.turn
        }
    }

    private func next(_ turn: Int) -> RunningJob? {
        state.withLock { state in
            guard state.turn == turn, state.next < jobs.count else { return nil }
            defer { state.next += 1 }
            return jobs[state.next]
        }
    }
}

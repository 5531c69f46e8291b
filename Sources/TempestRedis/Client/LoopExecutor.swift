// Runs tasks on the event loop of the connection that they mostly wait for: what arrives is seen to, and what is sent is written, without a
// change of threads. Used by the worker's runners, and by the front for its connections.

package import NIOCore
import Synchronization

/// A task executor on one event loop. Many tasks that become ready at once cost the loop one entry.
///
/// Tasks that compute for long, or block, would keep the loop's other connections waiting: files are read on threads of their own.
package final class LoopExecutor: TaskExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        /// The array of the turn before, for its memory.
        var spare: [UnownedJob] = []
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = state.withLock { state in
            state.ready.append(job)
            return state.ready.count == 1
        }
        if isFirst { loop.execute { self.turn() } }
    }

    /// What becomes ready meanwhile has its turn after the loop has looked at its sockets.
    private func turn() {
        var jobs = state.withLock { state in
            let jobs = state.ready
            state.ready = state.spare
            state.spare = []
            return jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        jobs.removeAll(keepingCapacity: true)
        state.withLock { $0.spare = jobs }
    }
}

// Runs the tasks of connections on the event loops of their sockets: a request goes from the socket to its job, and an answer back to the
// socket, without a change of threads. Before it: a connection. After it: Hummingbird's responder.

import NIOCore
import Synchronization

/// A task executor on one event loop. Many tasks that become ready at once cost the loop one entry.
///
/// Tasks that compute for long, or block, would keep the loop's other connections waiting: files are read on threads of their own.
final class LoopExecutor: TaskExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        /// The array of the turn before, for its memory.
        var spare: [UnownedJob] = []
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
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

/// The executors of a server, one for each of its loops; as long-lived as the server.
final class LoopExecutors: Sendable {
    private let executors = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    func executor(_ loop: any EventLoop) -> LoopExecutor {
        executors.withLock { executors in
            if let executor = executors[ObjectIdentifier(loop)] { return executor }
            let executor = LoopExecutor(loop)
            executors[ObjectIdentifier(loop)] = executor
            return executor
        }
    }
}

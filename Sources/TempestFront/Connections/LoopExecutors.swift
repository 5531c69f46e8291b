// The executors of a server's event loops: a request goes from the socket to its job, and an answer back to the socket, without a change of
// threads. Before it: a connection. After it: Hummingbird's responder.

import NIOCore
import Synchronization
import TempestRedis

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

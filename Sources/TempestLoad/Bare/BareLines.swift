// The sockets of loops that block. Before it: BareConnections. After it: their end, when nobody waits for the result any more.

import Foundation
import Synchronization

/// The connections of one piece of blocking work: they are cut when it is cancelled, and whatever waits for a reply fails.
final class BareLines: Sendable {
    private struct State {
        var sockets: Set<Int32> = []
        var isCut = false
    }

    private let state = Mutex(State())

    /// Takes note of a socket.
    ///
    /// - Throws: CancellationError when the work was cancelled before.
    func add(_ socket: Int32) throws {
        try state.withLock { state in
            if state.isCut { throw CancellationError() }
            state.sockets.insert(socket)
        }
    }

    /// Before it is closed: its number may then be another's.
    func remove(_ socket: Int32) { state.withLock { _ = $0.sockets.remove(socket) } }

    func cut() {
        state.withLock { state in
            state.isCut = true
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }
}

// How many WebSockets a front has, also those that came before its last reload.

import NIOCore
import Synchronization

/// How many WebSockets are open, with those that wait for the answer to `open`.
final class SocketCount: Sendable {
    private let open = Atomic(0)

    var value: Int { open.load(ordering: .relaxed) }

    /// Counts a connection until it is closed. False: there are too many.
    func admit(_ channel: any Channel, most: Int) -> Bool {
        guard open.add(1, ordering: .relaxed).newValue <= most else {
            open.subtract(1, ordering: .relaxed)
            return false
        }
        channel.closeFuture.whenComplete { _ in self.open.subtract(1, ordering: .relaxed) }
        return true
    }
}

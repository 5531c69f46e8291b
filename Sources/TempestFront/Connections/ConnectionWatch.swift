// Notices that a browser has gone while its request is held. Before it: a connection. After it: the end of what was done for it.

import NIOCore
import Synchronization

/// Who is to be told when a connection closes: one at a time, as its requests are answered one after the other.
final class ConnectionWatch: Sendable {
    private struct Entry {
        var number: UInt64
        var gone: @Sendable () -> Void
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry?] = [:]
        var number: UInt64 = 0
    }

    private let state = Mutex(State())

    /// How many connections have ever asked and are still there.
    var count: Int { state.withLock { $0.entries.count } }

    /// Calls `gone` if the connection closes before ``release(_:_:)``; returns the number for that. At once when it is closed already.
    func hold(_ channel: any Channel, gone: @escaping @Sendable () -> Void) -> UInt64 {
        let id = ObjectIdentifier(channel)
        let (number, isNew) = state.withLock { state in
            state.number += 1
            let isNew = state.entries[id] == nil
            state.entries[id] = .some(Entry(number: state.number, gone: gone))
            return (state.number, isNew)
        }
        // Once for each connection, not for each of its requests: callbacks of a future are never taken back.
        if isNew {
            channel.closeFuture.whenComplete { _ in
                let entry = self.state.withLock { $0.entries.removeValue(forKey: id) }
                entry??.gone()
            }
        }
        return number
    }

    /// The request has been answered.
    func release(_ channel: any Channel, _ number: UInt64) {
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            if case .some(.some(let entry)) = state.entries[id], entry.number == number { state.entries[id] = .some(nil) }
        }
    }
}

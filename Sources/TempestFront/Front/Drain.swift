// The end of a front without a lost request: nothing new is held, what is held is finished, and what takes too long is told so.

import HTTPTypes
import Synchronization

/// Whether the front goes on, and what it still holds.
final class Drain: Sendable {
    private struct State {
        var isDraining = false
        var isOver = false
        var number: UInt64 = 0
        var held: [UInt64: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    var isDraining: Bool { state.withLock { $0.isDraining } }
    /// Whether the grace has passed.
    var isOver: Bool { state.withLock { $0.isOver } }
    var held: Int { state.withLock { $0.held.count } }

    /// Of requests that come from now on; it closes the connection, so that the next one finds another front.
    var refusal: Refusal {
        Refusal(.serviceUnavailable, "The server is about to stop.", headers: [.retryAfter: "1", .connection: "close"])
    }

    func begin() { state.withLock { $0.isDraining = true } }

    /// Ends what is still held.
    func finish() {
        let held = state.withLock { state in
            (state.isDraining, state.isOver) = (true, true)
            defer { state.held = [:] }
            return state.held.values
        }
        for end in held { end() }
    }

    func hold(_ end: @escaping @Sendable () -> Void) -> UInt64 {
        let (number, isOver) = state.withLock { state in
            state.number += 1
            if !state.isOver { state.held[state.number] = end }
            return (state.number, state.isOver)
        }
        if isOver { end() }
        return number
    }

    func release(_ number: UInt64) { state.withLock { $0.held[number] = nil } }
}

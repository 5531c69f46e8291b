// The end of a front without a lost request: first it says that it will stop, then it accepts nothing new, finishes what is held, and at
// last ends what takes too long.

import HTTPTypes
import Synchronization

/// Where a front is on its way to its end, and which requests it holds.
final class Drain: Sendable {
    enum Phase: Int, Comparable {
        case running
        /// Not ready any more, and everything is served; connections end with their response.
        case lameDuck
        /// Nothing new is accepted.
        case draining
        /// What is still held is told 503.
        case over

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    private struct State {
        var phase = Phase.running
        var number: UInt64 = 0
        var held: [UInt64: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())
    /// Beside the state: asked for each response.
    private let isStopping = Atomic(false)

    var phase: Phase { state.withLock { $0.phase } }
    /// Whether a response is the last of its connection.
    var closesConnections: Bool { isStopping.load(ordering: .relaxed) }
    /// Whether the grace has passed.
    var isOver: Bool { phase == .over }
    var held: Int { state.withLock { $0.held.count } }

    /// Of requests that are not answered any more.
    var refusal: Refusal {
        Refusal(.serviceUnavailable, "The server is about to stop.", headers: [.retryAfter: "1", .connection: "close"])
    }

    /// Goes on to a later phase; never back.
    func enter(_ phase: Phase) {
        isStopping.store(true, ordering: .relaxed)
        let held = state.withLock { state -> [@Sendable () -> Void] in
            state.phase = max(state.phase, phase)
            guard state.phase == .over else { return [] }
            defer { state.held = [:] }
            return Array(state.held.values)
        }
        for end in held { end() }
    }

    func hold(_ end: @escaping @Sendable () -> Void) -> UInt64 {
        let (number, isOver) = state.withLock { state in
            state.number += 1
            let isOver = state.phase == .over
            if !isOver { state.held[state.number] = end }
            return (state.number, isOver)
        }
        if isOver { end() }
        return number
    }

    func release(_ number: UInt64) { state.withLock { $0.held[number] = nil } }
}

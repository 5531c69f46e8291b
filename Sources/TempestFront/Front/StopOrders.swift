// What a front is told about its end: by signals, by a service group, or by a program.

import Synchronization

final class StopOrders: Sendable {
    private struct State {
        var isAsked = false
        var isUrgent = false
        var skipsLame = false
        var failure: String?
    }

    private let state = Mutex(State())
    private let (stream, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Whether everything is to end at once.
    var isUrgent: Bool { state.withLock { $0.isUrgent } }
    /// Whether the front was told to stop.
    var isAsked: Bool { state.withLock { $0.isAsked } }
    /// Whether it has no time to be a lame duck.
    var skipsLame: Bool { state.withLock { $0.skipsLame } }
    /// Why it stops without having been told.
    var failure: String? { state.withLock { $0.failure } }

    /// Stop; a second order is an urgent one.
    func stop(lame: Bool = true) {
        state.withLock { state in
            if state.isAsked { state.isUrgent = true }
            (state.isAsked, state.skipsLame) = (true, state.skipsLame || !lame)
        }
        waker.yield()
    }

    func stopAtOnce() {
        state.withLock { ($0.isAsked, $0.isUrgent) = (true, true) }
        waker.yield()
    }

    func fail(_ reason: String) {
        state.withLock { ($0.isAsked, $0.failure) = (true, $0.failure ?? reason) }
        waker.yield()
    }

    /// Waits for the first order.
    func first() async {
        for await _ in stream where isAsked { return }
    }
}

// How many handlers may run at once in a worker, over all its queues. A claim takes slots first, so that it never exceeds them.

import Synchronization

final class Slots: Sendable {
    private struct State {
        var free: Int
        var bells: [Bell] = []
        /// Somebody wants, or has, the whole worker for one job.
        var isReserved = false
    }

    let limit: Int
    private let state: Mutex<State>

    init(limit: Int) {
        self.limit = limit
        self.state = Mutex(State(free: limit))
    }

    /// Rung when slots become free.
    func announce(to bell: Bell) {
        state.withLock { $0.bells.append(bell) }
    }

    /// Takes up to `wanted` slots and says how many it got.
    func take(upTo wanted: Int) -> Int {
        state.withLock { state in
            let taken = state.isReserved ? 0 : min(max(0, state.free), wanted)
            state.free -= taken
            return taken
        }
    }

    /// Takes slots that may not be there, for jobs that run in any case; later claims wait until they have been made up for.
    func force(_ count: Int) {
        state.withLock { $0.free -= count }
    }

    /// Nobody else gets slots from now on, until `endAlone`; false if another has them already. A worker
    /// that is busy gives them only by `force`.
    func beginAlone(force: Bool) -> Bool {
        state.withLock { state in
            guard !state.isReserved, force || state.free == limit else { return false }
            state.isReserved = true
            return true
        }
    }

    /// Whether no handler runs.
    var isIdle: Bool { state.withLock { $0.free == limit } }

    func endAlone() {
        let bells = state.withLock { state in
            state.isReserved = false
            return state.bells
        }
        for bell in bells { bell.ring(.slot) }
    }

    func release(_ count: Int) {
        guard count > 0 else { return }
        let bells = state.withLock { state in
            state.free += count
            return state.bells
        }
        for bell in bells { bell.ring(.slot) }
    }
}

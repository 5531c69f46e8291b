// How a work loop is woken: by a landed job, a freed slot, a tick, trouble, or the end. Rings before somebody waits are kept, and many
// are one: under load the loop wakes once for a hundred freed slots.

import NIOCore
import Synchronization

struct Rings: OptionSet, Sendable {
    let rawValue: UInt16

    /// A parked BLMOVE returned a job, or a tick saw that there are some.
    static let landed = Rings(rawValue: 1)
    /// A parked BLMOVE ran out of its time.
    static let unparked = Rings(rawValue: 2)
    /// A slot became free, or a claim was settled.
    static let slot = Rings(rawValue: 4)
    /// A tick was answered.
    static let tick = Rings(rawValue: 8)
    /// A connection failed.
    static let trouble = Rings(rawValue: 16)
    /// Redis does not know this process any more.
    static let fenced = Rings(rawValue: 32)
    /// The worker is to stop.
    static let stop = Rings(rawValue: 64)
    /// The time that the loop set itself is over.
    static let timeUp = Rings(rawValue: 128)
    /// A job is to be run alone: by a worker that has nothing else to do.
    static let suspect = Rings(rawValue: 256)
    /// The same for the keeper of the clock, which ends what it does to make room.
    static let makeRoom = Rings(rawValue: 512)
    /// The worker is to claim no more, but not to stop yet.
    static let quiet = Rings(rawValue: 1024)
    /// Jobs whose action nobody has a handler for have waited long enough.
    static let unknown = Rings(rawValue: 2048)
}

/// One waiter, any number of ringers.
final class Bell: Sendable {
    private struct State {
        var rung: Rings = []
        var waiter: CheckedContinuation<Rings, Never>?
    }

    private let state = Mutex(State())

    func ring(_ rings: Rings) {
        let woken = state.withLock { state -> (CheckedContinuation<Rings, Never>, Rings)? in
            state.rung.formUnion(rings)
            guard let waiter = state.waiter else { return nil }
            defer { (state.waiter, state.rung) = (nil, []) }
            return (waiter, state.rung)
        }
        woken?.0.resume(returning: woken!.1)
    }

    /// Forgets rings that nobody has waited for: those of a session that has ended.
    func silence(_ rings: Rings) {
        state.withLock { $0.rung.subtract(rings) }
    }

    /// Whether this was rung, without waiting for it; it counts as heard.
    func takes(_ ring: Rings) -> Bool {
        state.withLock { state in
            defer { state.rung.subtract(ring) }
            return !state.rung.isDisjoint(with: ring)
        }
    }

    /// What was rung since the last wait, at once if there is anything.
    func wait() async -> Rings {
        await withCheckedContinuation { continuation in
            let rung = state.withLock { state -> Rings? in
                precondition(state.waiter == nil, "a bell has one waiter")
                if state.rung.isEmpty {
                    state.waiter = continuation
                    return nil
                }
                defer { state.rung = [] }
                return state.rung
            }
            if let rung { continuation.resume(returning: rung) }
        }
    }

    /// As `wait`, but for no longer than `time`: then `.timeUp` is among the rings.
    func wait(atMost time: TimeAmount, on loop: any EventLoop) async -> Rings {
        let alarm = loop.scheduleTask(in: time) { self.ring(.timeUp) }
        defer { alarm.cancel() }
        return await wait()
    }
}

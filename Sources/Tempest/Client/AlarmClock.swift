// Deadlines of calls and held requests: very many are set and nearly all are taken back. Before it: a call. After it: its end, if its time
// is over first.

import NIOCore
import Synchronization

/// Alarms on one event loop, in hundredths of a second: to set and to cancel one costs the same however many there are, which is not so
/// for tasks that an event loop schedules.
final class AlarmClock: Sendable {
    typealias Action = @Sendable () -> Void

    struct Alarm: Sendable {
        fileprivate let slot: Int64
        fileprivate let number: UInt64
    }

    private struct State {
        var slots: [Int64: [UInt64: Action]] = [:]
        var number: UInt64 = 0
        /// The earliest slot for which the loop will wake us.
        var wake: Int64?
    }

    /// Nanoseconds of a slot.
    private static let resolution: Int64 = 10_000_000

    private let loop: any EventLoop
    private let state = Mutex(State())

    init(on loop: any EventLoop) { self.loop = loop }

    /// Calls `action` on the event loop once the time is over, at most a hundredth of a second later.
    func set(in time: TimeAmount, _ action: @escaping Action) -> Alarm {
        let due = NIODeadline.now() + time
        let slot = Int64(clamping: due.uptimeNanoseconds) / Self.resolution + 1
        let (alarm, wakes) = state.withLock { state in
            state.number += 1
            state.slots[slot, default: [:]][state.number] = action
            let wakes = state.wake.map { slot < $0 } ?? true
            if wakes { state.wake = slot }
            return (Alarm(slot: slot, number: state.number), wakes)
        }
        if wakes { wake(at: slot) }
        return alarm
    }

    func cancel(_ alarm: Alarm) {
        state.withLock { state in
            guard let place = state.slots.index(forKey: alarm.slot) else { return }
            state.slots.values[place][alarm.number] = nil
            if state.slots.values[place].isEmpty { state.slots.remove(at: place) }
        }
    }

    private func wake(at slot: Int64) {
        _ = loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(slot * Self.resolution))) { self.ring(slot) }
    }

    private func ring(_ woken: Int64) {
        let now = Int64(clamping: NIODeadline.now().uptimeNanoseconds) / Self.resolution
        let (actions, next) = state.withLock { state -> ([Action], Int64?) in
            var actions: [Action] = []
            // Found first and taken out then: a dictionary that is looked through cannot be changed in place.
            let due = state.slots.keys.filter { $0 <= now }
            for slot in due {
                if let alarms = state.slots.removeValue(forKey: slot) { actions += alarms.values }
            }
            // Another wake-up, for an alarm that was set later and is due earlier, is still to come.
            guard state.wake == woken else { return (actions, nil) }
            state.wake = state.slots.keys.min()
            return (actions, state.wake)
        }
        if let next { wake(at: next) }
        for action in actions { action() }
    }
}

// What happens in one place of a group: who lives there, who is to follow, who is on the way out. A state machine without I/O.
// Slot tells it what has happened and does what it answers.

/// The logic of one place, where one worker is to live at any time. Incarnations are numbered 1, 2, 3 …
package struct SlotLogic: Sendable {
    package enum Reason: Sendable, Equatable {
        case rolling
        /// It occupies so many bytes.
        case memory(UInt64)
    }

    package enum Event: Sendable, Equatable {
        /// The delay with this number is over.
        case start(Int)
        case ready(Int)
        /// Was not ready within the time.
        case late(Int)
        /// Has run for ``SlotLogic/registers``, and no process of its name may be registered.
        case unregistered(Int)
        case ended(Int, Ending)
        case graceOver(Int)
        /// Was asked a second time, and has not ended since.
        case respiteOver(Int)
        case replace(Reason)
        case stop
    }

    package enum Action: Sendable, Equatable {
        case launch(Int)
        /// Asks it to end, and reports `graceOver` after the group's grace.
        case terminate(Int)
        /// Asks once more; no new grace.
        case terminateAgain(Int)
        /// Asks once more, and reports `respiteOver` after a moment.
        case terminateAtOnce(Int)
        case kill(Int)
        /// Reports `start` with the number after the delay.
        case wait(Duration, Int)
        /// Whether a ready worker lives here, when that has changed.
        case served(Bool)
        /// The end of what `replace(.rolling)` has asked for.
        case replaced(Bool)
        case say(String)
        /// Nobody lives here any more, nor will. True: it is as it should be.
        case finish(Bool)
    }

    private struct Member {
        let number: Int
        let start: ContinuousClock.Instant
        var isReady = false
        var isWarned = false
    }

    /// When it is said of a worker that it has not registered: time enough for most programs to load.
    package static let registers = Duration.seconds(10)

    private let name: String
    private let group: WorkerGroup
    private var current: Member?
    private var next: Member?
    private var leaving: Set<Int> = []
    /// Why `next` is wanted, or a first worker where none is; nil: nothing is to be replaced.
    private var reason: Reason?
    /// A rolling restart that waits for another replacement to end.
    private var isRollWaiting = false
    private var backoff = RestartBackoff()
    private var launched = 0
    /// The delay that is running.
    private var delay: Int?
    private var delays = 0
    private var noMemoryReplacementBefore: ContinuousClock.Instant?
    private var isStopping = false
    private var lastEnding: Ending?
    private var isFinished = false
    private var wasServed = false

    /// - Parameter name: what messages call the place, such as `web.1`.
    package init(name: String, group: WorkerGroup) {
        self.name = name
        self.group = group
    }

    /// The number of the worker that lives here and is ready, and is not being replaced.
    package var settled: Int? { self.next == nil && self.current?.isReady == true ? self.current?.number : nil }

    /// The first thing to do.
    package mutating func begin(now: ContinuousClock.Instant) -> [Action] {
        self.current = self.launch(now)
        return [.launch(self.launched)]
    }

    package mutating func handle(_ event: Event, now: ContinuousClock.Instant) -> [Action] {
        guard !self.isFinished else { return event == .replace(.rolling) ? [.replaced(true)] : [] }
        var actions: [Action] = []
        switch event {
        case .start(let delay):
            guard self.delay == delay, !self.isStopping else { break }
            self.delay = nil
            self.current = self.launch(now)
            actions.append(.launch(self.launched))
        case .ready(let number):
            self.ready(number, &actions)
        case .late(let number):
            self.late(number, now, &actions)
        case .unregistered(let number):
            self.unregistered(number, &actions)
        case .ended(let number, let ending):
            self.ended(number, ending, now, &actions)
        case .graceOver(let number):
            guard self.isHere(number) else { break }
            // A worker gives its jobs back at a second SIGTERM; killed, it would seem that they had crashed it.
            actions += [
                .say("\(self.name) has not ended within its grace of \(self.group.grace.text): SIGTERM once more"),
                .terminateAtOnce(number),
            ]
        case .respiteOver(let number):
            guard self.isHere(number) else { break }
            actions += [.say("\(self.name) has not ended after a second SIGTERM: SIGKILL"), .kill(number)]
        case .replace(let reason):
            self.replace(reason, now, &actions)
        case .stop:
            self.stop(&actions)
        }
        self.conclude(now, &actions)
        return actions
    }

    // MARK: Coming

    private mutating func launch(_ now: ContinuousClock.Instant) -> Member {
        self.launched += 1
        return Member(number: self.launched, start: now)
    }

    private mutating func ready(_ number: Int, _ actions: inout [Action]) {
        guard !self.isStopping else { return }
        if self.current?.number == number {
            self.current?.isReady = true
            self.settle(true, &actions)
        } else if self.next?.number == number {
            let old = self.current
            self.current = self.next
            self.current?.isReady = true
            self.next = nil
            if let old {
                actions.append(.terminate(old.number))
                self.leaving.insert(old.number)
            }
            self.settle(true, &actions)
        }
    }

    private mutating func late(_ number: Int, _ now: ContinuousClock.Instant, _ actions: inout [Action]) {
        let time = self.group.readyWithin.text
        if let current = self.current, current.number == number, !current.isReady {
            actions.append(.say("\(self.name) is not ready within \(time); it is left to go on"))
            self.unregistered(number, &actions)
            self.settle(false, &actions)
        } else if self.next?.number == number {
            actions += [.say("\(self.name): the new worker is not ready within \(time): the old one stays"), .terminate(number)]
            self.leaving.insert(number)
            self.next = nil
            self.noMemoryReplacementBefore = now + .seconds(30)
            self.settle(false, &actions)
        }
    }

    /// A worker may run and take jobs all the same, by another name: then nobody gives back what it held when it dies. Said once.
    private mutating func unregistered(_ number: Int, _ actions: inout [Action]) {
        if let member = self.current, member.number == number, !member.isReady, !member.isWarned {
            self.current?.isWarned = true
        } else if let member = self.next, member.number == number, !member.isWarned {
            self.next?.isWarned = true
        } else {
            return
        }
        actions.append(
            .say(
                "\(self.name) has registered no process of its name in the Redis at REDIS_URL. If it works, its jobs are not given back at once "
                    + "when it dies: it must say hello as $TEMPEST_PROCESS.<anything of its own>, as Tempest's own workers do"))
    }

    private mutating func replace(_ reason: Reason, _ now: ContinuousClock.Instant, _ actions: inout [Action]) {
        let isRoll = reason == .rolling
        guard !self.isStopping else { return isRoll ? actions.append(.replaced(false)) : () }
        guard self.reason == nil else { return self.isRollWaiting = self.isRollWaiting || isRoll }
        if case .memory(let bytes) = reason {
            // A worker that comes back over its limit, or cannot be replaced, is not exchanged every second.
            if let earliest = self.noMemoryReplacementBefore, now < earliest { return }
            let limit = ByteSize.text(self.group.memoryLimit ?? 0)
            actions.append(.say("\(self.name) occupies \(ByteSize.text(bytes)), its limit is \(limit): it is replaced"))
            self.noMemoryReplacementBefore = now + .seconds(5)
        }
        self.reason = reason
        let member = self.launch(now)
        if self.current == nil {
            self.delay = nil
            self.current = member
        } else {
            self.next = member
        }
        actions.append(.launch(member.number))
    }

    /// A replacement has come to its end.
    private mutating func settle(_ success: Bool, _ actions: inout [Action]) {
        if self.reason == .rolling { actions.append(.replaced(success)) }
        self.reason = nil
    }

    // MARK: Going

    private mutating func ended(_ number: Int, _ ending: Ending, _ now: ContinuousClock.Instant, _ actions: inout [Action]) {
        if self.leaving.remove(number) != nil {
            // As asked.
        } else if self.next?.number == number {
            self.next = nil
            self.noMemoryReplacementBefore = now + .seconds(30)
            actions.append(.say("\(self.name): the new worker \(ending.text) before it was ready: the old one stays"))
            self.settle(false, &actions)
        } else if let current = self.current, current.number == number {
            self.current = self.next
            self.next = nil
            self.lastEnding = ending
            if self.isStopping { return }
            if self.current != nil { return actions.append(.say("\(self.name) \(ending.text); its successor is on the way")) }
            self.settle(false, &actions)
            guard self.group.restart == .always || (self.group.restart == .onFailure && !ending.isSuccess) else {
                return actions.append(.say("\(self.name) \(ending.text); it is not started again"))
            }
            var generator = SystemRandomNumberGenerator()
            let delay = self.backoff.next(lived: now - current.start, using: &generator)
            self.delays += 1
            self.delay = self.delays
            actions += [.say("\(self.name) \(ending.text); it is started again in \(delay.text)"), .wait(delay, self.delays)]
        }
    }

    private mutating func stop(_ actions: inout [Action]) {
        let all = [self.current?.number, self.next?.number].compactMap(\.self)
        if self.isStopping {
            actions += (all + self.leaving.sorted()).map { .terminateAgain($0) }
            return
        }
        self.isStopping = true
        self.delay = nil
        self.settle(false, &actions)
        actions += all.map { .terminate($0) }
    }

    private func isHere(_ number: Int) -> Bool {
        self.current?.number == number || self.next?.number == number || self.leaving.contains(number)
    }

    private mutating func conclude(_ now: ContinuousClock.Instant, _ actions: inout [Action]) {
        if self.reason == nil, self.isRollWaiting {
            self.isRollWaiting = false
            self.replace(.rolling, now, &actions)
        }
        let isServed = self.current?.isReady == true
        if isServed != self.wasServed {
            self.wasServed = isServed
            actions.append(.served(isServed))
        }
        if self.current == nil, self.next == nil, self.leaving.isEmpty, self.delay == nil {
            self.isFinished = true
            actions.append(.finish(self.isStopping || self.lastEnding?.isSuccess == true))
        }
    }
}

extension Ending {
    /// `was killed by SIGKILL`: follows a name.
    var text: String {
        switch self {
        case .exited(let code): "ended with status \(code)"
        case .signalled(let signal): "was killed by \(SignalName.of(signal))"
        case .notStarted(let reason): "could not be started (\(reason))"
        }
    }
}

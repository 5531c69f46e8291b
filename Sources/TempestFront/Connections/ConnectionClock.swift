// One timer for all connections of an event loop: ten thousand idle ones cost one wake-up a second. Before it: FrontChannel, which adds
// connections. After it: what each of them does when it is looked at.

import NIOCore
import Synchronization

/// What is looked at every so often, on its event loop.
protocol ClockMember: AnyObject {
    /// `now` is the event loop's time.
    func tick(_ now: NIODeadline)
}

/// The connections of one event loop; used on that loop alone.
final class ConnectionClock {
    private let loop: any EventLoop
    private let resolution: TimeAmount
    private var members: [ObjectIdentifier: any ClockMember] = [:]
    private var isRunning = false

    init(loop: any EventLoop, resolution: TimeAmount) {
        (self.loop, self.resolution) = (loop, resolution)
    }

    var now: NIODeadline { loop.now }

    func add(_ member: some ClockMember) {
        members[ObjectIdentifier(member)] = member
        guard !isRunning else { return }
        isRunning = true
        schedule()
    }

    func remove(_ member: some ClockMember) { members[ObjectIdentifier(member)] = nil }

    private func schedule() {
        loop.assumeIsolated().scheduleTask(in: resolution) { self.tick() }
    }

    private func tick() {
        let now = loop.now
        // A copy: members leave while they are looked at.
        for member in Array(members.values) { member.tick(now) }
        // Without connections nothing is left behind on the loop.
        isRunning = !members.isEmpty
        if isRunning { schedule() }
    }
}

/// A clock for each event loop that has had a connection.
final class ConnectionClocks: Sendable {
    private let resolution: TimeAmount
    private let clocks = Mutex<[ObjectIdentifier: NIOLoopBound<ConnectionClock>]>([:])

    init(resolution: TimeAmount) { self.resolution = resolution }

    /// The clock of the loop that this is called on.
    func clock(_ loop: any EventLoop) -> ConnectionClock {
        clocks.withLock { clocks in
            if let clock = clocks[ObjectIdentifier(loop)] { return clock }
            let clock = NIOLoopBound(ConnectionClock(loop: loop, resolution: resolution), eventLoop: loop)
            clocks[ObjectIdentifier(loop)] = clock
            return clock
        }.value
    }
}

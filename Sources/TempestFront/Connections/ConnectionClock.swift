// One timer for all connections of an event loop: ten thousand idle ones cost sixteen wake-ups a second. Before it: FrontChannel, which adds
// connections. After it: what each of them does when it is looked at.

import NIOCore
import Synchronization

/// What is looked at every so often, on its event loop.
protocol ClockMember: AnyObject {
    /// `now` is the event loop's time.
    func tick(_ now: NIODeadline)
}

/// The connections of one event loop; used on that loop alone.
///
/// Each is looked at once every `resolution`, a part of them at a time: a thousand that have used up their time on the same tick are not
/// all closed before anybody else gets a turn.
final class ConnectionClock {
    private static let parts = 16

    private let loop: any EventLoop
    private let step: TimeAmount
    private var members = [[ObjectIdentifier: any ClockMember]](repeating: [:], count: ConnectionClock.parts)
    private var count = 0
    private var turn = 0
    private var isRunning = false

    init(loop: any EventLoop, resolution: TimeAmount) {
        self.loop = loop
        step = .nanoseconds(max(1, resolution.nanoseconds / Int64(Self.parts)))
    }

    var now: NIODeadline { loop.now }

    func add(_ member: some ClockMember) {
        if members[Self.part(member)].updateValue(member, forKey: ObjectIdentifier(member)) == nil { count += 1 }
        guard !isRunning else { return }
        isRunning = true
        schedule()
    }

    func remove(_ member: some ClockMember) {
        if members[Self.part(member)].removeValue(forKey: ObjectIdentifier(member)) != nil { count -= 1 }
    }

    private static func part(_ member: some ClockMember) -> Int {
        // Addresses: the low bits are all alike, so they are mixed.
        Int(UInt(bitPattern: ObjectIdentifier(member).hashValue) % UInt(parts))
    }

    private func schedule() {
        loop.assumeIsolated().scheduleTask(in: step) { self.tick() }
    }

    private func tick() {
        let now = loop.now
        turn = (turn + 1) % Self.parts
        // A copy: members leave while they are looked at.
        for member in Array(members[turn].values) { member.tick(now) }
        // Without connections nothing is left behind on the loop.
        isRunning = count > 0
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

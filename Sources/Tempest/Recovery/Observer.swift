// Which of the other processes of a queue are dead, by this process's own monotonic clock: a value without I/O, fed by each tick's
// reply. After it: Reaper.

import NIOCore

/// Another process as tick reports it.
struct Neighbour: Equatable {
    /// P, as Redis has it.
    var process: String
    var counter: Int64
    var lease: TimeAmount
}

/// Watches beat counters. A counter must stand still for its process's lease, counted only between looks that succeeded and lie at most
/// a fifth of that lease apart: whoever was blind, because Redis stalled or this process did, has learnt nothing about the others. Another
/// lease is a sign of life, as another counter is.
struct Observer {
    private struct Watched {
        var counter: Int64
        var lease: TimeAmount
        /// How long it has certainly stood still.
        var stood = TimeAmount.zero
    }

    private var watched: [String: Watched] = [:]
    private var last: (sent: NIODeadline, heard: NIODeadline)?

    /// Takes in what a look that was sent and answered at these instants has shown; returns those whose leases are over,
    /// with each look until they are gone or move.
    mutating func look(_ neighbours: [Neighbour], sent: NIODeadline, heard: NIODeadline) -> [Neighbour] {
        var (next, dead): ([String: Watched], [Neighbour]) = ([:], [])
        for neighbour in neighbours {
            var seen = Watched(counter: neighbour.counter, lease: neighbour.lease)
            if let last, let before = watched[neighbour.process], before.counter == neighbour.counter,
                before.lease == neighbour.lease, heard - last.sent <= .nanoseconds(neighbour.lease.nanoseconds / 5)
            {
                seen.stood = before.stood + max(.zero, sent - last.heard)
            }
            if seen.stood >= neighbour.lease { dead.append(neighbour) }
            next[neighbour.process] = seen
        }
        (watched, last) = (next, (sent, heard))
        return dead
    }

    /// A look failed, or went to another connection: every countdown begins anew.
    mutating func blind() {
        (watched, last) = ([:], nil)
    }
}

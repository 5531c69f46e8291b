// What tick returns: `[beat, now, due, landed, waiting, suspects, [P, counter, lease, …], keeper, unknown]` (protocol/tempest.lua).

import NIOCore
import TempestRedis

struct TickReply {
    /// Redis' clock, milliseconds since 1970.
    var now: Int64
    /// Until the next delayed job; nil when there is none, or another process keeps the clock.
    var due: TimeAmount?
    /// Jobs on this process's land lists.
    var landed: Int64
    /// A level that is not paused has jobs.
    var isWaiting: Bool
    /// Jobs to be run alone.
    var suspects: Int64
    var neighbours: [Neighbour]
    /// This process keeps the clock: it promotes, sweeps, and makes room for suspects.
    var isKeeper: Bool
    /// Jobs have waited long enough for a process that has a handler for them: this one is to give them up.
    var givesUpUnknown: Bool

    init(_ reply: RedisReply) throws(RedisError) {
        guard let parts = reply.array, parts.count >= 8, let now = parts[1].integer, let due = parts[2].integer,
            let landed = parts[3].integer, let waiting = parts[4].integer, let suspects = parts[5].integer,
            let others = parts[6].array, others.count % 3 == 0, let keeper = parts[7].integer
        else { throw RedisError(.protocolError, "tick returned another shape than tempest.lua documents") }
        (self.now, self.landed, self.isWaiting, self.suspects) = (now, landed, waiting > 0, suspects)
        self.due = due < 0 ? nil : .milliseconds(min(due, 86_400_000))
        self.isKeeper = keeper > 0
        // The library of an earlier worker, which nobody has replaced yet, does not say it.
        self.givesUpUnknown = parts.count > 8 && parts[8].integer ?? 0 > 0
        self.neighbours = stride(from: 0, to: others.count, by: 3).compactMap { index in
            guard let process = others[index].string, let counter = others[index + 1].integer,
                let lease = others[index + 2].integer, lease > 0
            else { return nil }
            return Neighbour(process: process, counter: counter, lease: .milliseconds(min(lease, 86_400_000)))
        }
    }
}

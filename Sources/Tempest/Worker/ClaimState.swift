// When to claim, when to adopt, when to park: the decisions of a work loop as a value, without I/O. QueueRunner carries them out.

import TempestProtocol

struct ClaimState {
    private let levels: [Level]
    /// The last claim found less than it asked for.
    private var isDry = false
    /// Something may lie on a land list: at the start, after a wake, and when a tick says so, because a reply may have been lost.
    private(set) var wantsAdopt = true
    private var closed: Set<Level> = []
    private var broken: Set<Level> = []

    init(levels: [Level]) { self.levels = levels }

    /// There may be jobs waiting.
    var wantsClaim: Bool { !isDry }

    /// Levels at which an idle worker parks: not those that are paused, whose jobs it could not keep.
    var parkable: [Level] { levels.filter { !closed.contains($0) } }

    /// Takes in what adopt and claim returned; true if the set of broken levels changed.
    mutating func note(_ reply: ClaimReply, wanted: Int) -> Bool {
        wantsAdopt = false
        if wanted > 0 { isDry = reply.jobs.count < wanted && reply.bytes < FunctionLibrary.moveBytes }
        closed = reply.paused.union(reply.broken)
        defer { broken = reply.broken }
        return broken != reply.broken
    }

    /// More was landed than there are slots: claim again when some are free.
    mutating func full() { isDry = false }

    mutating func woken(_ rung: Rings) {
        if rung.contains(.landed) {
            wantsAdopt = true
            isDry = false
        }
        // Nothing but a claim tells whether a level is open again.
        if rung.contains(.tick), !closed.isEmpty { isDry = false }
    }
}

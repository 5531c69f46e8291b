// What a process holds: a job's place in its run hash, and the bytes that lie there. Before it: what claim returned. After it: a running
// job, and in the end a settlement.

import TempestProtocol

/// The name of a claim, `level.number` in the run hash of its process. Numbers are never used twice in one incarnation.
struct Claim: Sendable, Hashable, CustomStringConvertible {
    let level: Level
    let number: Int

    init(_ level: Level, _ number: Int) {
        (self.level, self.number) = (level, number)
    }

    /// From a field of the run hash; nil if it is none of a job.
    init?(field: String) {
        guard let dot = field.lastIndex(of: "."), let number = Int(field[field.index(after: dot)...]),
            let level = try? Level(String(field[..<dot]))
        else { return nil }
        self.init(level, number)
    }

    // The number says it all but for a damaged run hash: hashing the name too would be work for each job.
    func hash(into hasher: inout Hasher) { hasher.combine(number) }

    var description: String { "\(level.description).\(number)" }
}

/// A payload in this process's run hash.
struct ClaimedJob: Sendable {
    var claim: Claim
    var payload: [UInt8]
    /// There were cancelled jobs in the queue when it was claimed: it is to be asked for before it runs.
    var mayBeCancelled = false
    /// It has waited for a process that has a handler for its action, in vain.
    var hasWaited = false
}

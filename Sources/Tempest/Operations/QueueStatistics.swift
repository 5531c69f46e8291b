// What an operator sees of a queue: one atomic look at its levels, counts and processes.

public import TempestProtocol
import TempestRedis

/// A queue at one instant.
public struct QueueStatistics: Sendable {
    /// A level and what waits in it.
    public struct LevelStatistics: Sendable {
        public var level: Level
        /// Jobs waiting; nil if the key is no list.
        public var waiting: Int?
        public var isPaused: Bool
    }

    /// Jobs that wait for a worker that has a handler for them.
    public struct UnknownJobs: Sendable, Hashable {
        public var level: Level
        public var action: String
        public var count: Int
    }

    public var queue: QueueName
    public var levels: [LevelStatistics]
    /// Workers registered, of tier 1 and above.
    public var processes: Int
    /// Jobs claimed and not settled.
    public var running: Int
    /// Jobs that are not due yet, and failed ones that wait for their next attempt.
    public var delayed: Int
    /// Jobs that processes crashed under, which wait to be run alone.
    public var suspects: Int
    /// Jobs whose action had no handler where they were claimed, by their levels and actions; the first 64 of these.
    public var unknown: [UnknownJobs]
    /// Records in the dead stream.
    public var dead: Int
    /// Callers that are registered.
    public var inboxes: Int
    /// Since the queue began: `claimed`, `settled`, `failed`, `dead`, `returned`, `stale`, `undelivered`, `retried`, `expired`,
    /// `cancelled`, `crashed`, `promoted`, `delayed`, `recovered`, `revived`, `unknown`.
    public var counts: [String: Int]

    /// Jobs waiting in all levels.
    public var waiting: Int { levels.reduce(0) { $0 + ($1.waiting ?? 0) } }
    /// Jobs that wait for a worker that has a handler for them.
    public var waitingUnknown: Int { unknown.reduce(0) { $0 + $1.count } }
    /// Every job that arrived is waiting, also to be run alone or for a handler, or running or settled: the difference of two looks is what arrived
    /// between them. A delayed job arrives when it is due.
    public var arrived: Int { waiting + suspects + waitingUnknown + running + settled }
    /// Claims that were ended.
    public var settled: Int { counts["settled"] ?? 0 }

    /// Whether there is nothing in it, nobody serves it or waits for its answers, and nothing of it is paused.
    var isDeserted: Bool {
        waiting + suspects + waitingUnknown + delayed + running + dead + inboxes + processes == 0
            && levels.allSatisfy { $0.waiting != nil && !$0.isPaused }
    }

    init(_ queue: QueueName, _ reply: RedisReply) throws(RedisError) {
        guard let parts = reply.array, parts.count >= 6, let levels = parts[0].array, let counts = parts[1].array else {
            throw RedisError(.protocolError, "stats returned another shape than tempest.lua documents")
        }
        self.queue = queue
        self.levels = []
        for index in stride(from: 0, to: levels.count - 2, by: 3) {
            guard let name = levels[index].string, let level = try? Level(name) else { continue }
            let waiting = levels[index + 1].integer ?? -1
            self.levels.append(
                LevelStatistics(level: level, waiting: waiting < 0 ? nil : Int(waiting), isPaused: levels[index + 2].integer == 1)
            )
        }
        self.counts = [:]
        for index in stride(from: 0, to: counts.count - 1, by: 2) {
            if let name = counts[index].string, let count = counts[index + 1].string.flatMap({ Int($0) }) {
                self.counts[name] = count
            }
        }
        self.processes = Int(parts[2].integer ?? 0)
        self.running = Int(parts[3].integer ?? 0)
        self.dead = Int(parts[4].integer ?? 0)
        self.inboxes = Int(parts[5].integer ?? 0)
        // Earlier revisions of the functions knew less.
        self.delayed = parts.count > 6 ? Int(parts[6].integer ?? 0) : 0
        self.suspects = parts.count > 7 ? Int(parts[7].integer ?? 0) : 0
        self.unknown = []
        let kinds = parts.count > 8 ? parts[8].array ?? [] : []
        for index in stride(from: 0, to: kinds.count - 1, by: 2) {
            guard let kind = kinds[index].string, let colon = kind.firstIndex(of: ":"),
                let level = try? Level(String(kind[..<colon]))
            else { continue }
            let action = String(kind[kind.index(after: colon)...])
            unknown.append(UnknownJobs(level: level, action: action, count: Int(kinds[index + 1].integer ?? 0)))
        }
    }
}

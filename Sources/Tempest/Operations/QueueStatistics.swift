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

    public var queue: QueueName
    public var levels: [LevelStatistics]
    /// Workers registered, of level 1 and above.
    public var processes: Int
    /// Jobs claimed and not settled.
    public var running: Int
    /// Jobs that are not due yet, and failed ones that wait for their next attempt.
    public var delayed: Int
    /// Jobs that processes crashed under, which wait to be run alone.
    public var suspects: Int
    /// Records in the dead stream.
    public var dead: Int
    /// Callers that are registered.
    public var inboxes: Int
    /// Since the queue began: `claimed`, `settled`, `failed`, `dead`, `returned`, `stale`, `undelivered`, `retried`, `expired`,
    /// `cancelled`, `crashed`, `promoted`, `delayed`, `recovered`, `revived`.
    public var counts: [String: Int]

    /// Jobs waiting in all levels.
    public var waiting: Int { levels.reduce(0) { $0 + ($1.waiting ?? 0) } }
    /// Every job that arrived is waiting, also to be run alone, or running or settled: the difference of two looks is what arrived
    /// between them. A delayed job arrives when it is due.
    public var arrived: Int { waiting + suspects + running + settled }
    /// Claims that were ended.
    public var settled: Int { counts["settled"] ?? 0 }

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
        // The first revision of the functions knew neither.
        self.delayed = parts.count > 6 ? Int(parts[6].integer ?? 0) : 0
        self.suspects = parts.count > 7 ? Int(parts[7].integer ?? 0) : 0
    }
}

// Every key in Redis that Swift code names, made from a queue and nothing that came from a job: protocol/queues.md, "Keys".
// The functions in tempest.lua make the others themselves.

package enum Keys {
    /// The list in which the jobs of a level wait; the bare key is the level `default`.
    package static func level(_ queue: QueueName, _ level: Level) -> String {
        level == .default ? queue.description : "{\(queue)}:\(level)"
    }

    /// The list in which answers to an inbox arrive.
    package static func inbox(_ queue: QueueName, _ inbox: InboxID) -> String { "{\(queue)}:in:\(inbox)" }

    /// Where a parked BLMOVE of this process drops a job of the level.
    package static func landing(_ queue: QueueName, _ process: ProcessName, _ level: Level) -> String {
        "{\(queue)}:!land:\(process):\(level)"
    }

    /// The jobs that a process holds.
    package static func run(_ queue: QueueName, _ process: ProcessName) -> String { "{\(queue)}:!run:\(process)" }

    /// The fields of a process's run hash whose jobs are to be run once, and were begun.
    package static func begun(_ queue: QueueName, _ process: ProcessName) -> String { "{\(queue)}:!begun:\(process)" }

    /// The processes that are registered, and their beat counters.
    package static func processes(_ queue: QueueName) -> String { "{\(queue)}:!procs" }

    /// Dead records whose callers are still to be told, and by whose reaper.
    package static func untold(_ queue: QueueName) -> String { "{\(queue)}:!untold" }

    /// The connections of a process, `<run_id>/<client id>`; P is any text that Redis holds for one.
    package static func connections(_ queue: QueueName, _ process: String) -> String { "{\(queue)}:!cid:\(process)" }

    /// Which inboxes are registered.
    package static func inboxes(_ queue: QueueName) -> String { "{\(queue)}:!inboxes" }

    /// The levels that a queue was seen to have.
    package static func levels(_ queue: QueueName) -> String { "{\(queue)}:!levels" }

    /// The stream of dead jobs.
    package static func dead(_ queue: QueueName) -> String { "{\(queue)}:!dead" }

    /// The queues of this Redis, so that nobody needs SCAN.
    package static let queues = "tempest:queues"

    /// What the nodes of this Redis say of themselves: id -> record.
    package static let nodes = "tempest:nodes"

    /// The stream in which a channel's kept messages are.
    package static func history(_ channel: ChannelName) -> String { "tempest:channel:\(channel)" }

    // MARK: Channels

    // What is published in one database is heard in all: in all but database 0 a channel has `@n` at its end, which no name has.

    /// The channel of a queue's news: `tick P`, `suspect`, `cancel <job id>`.
    package static func news(_ queue: QueueName, database: Int) -> String { channel("{\(queue)}:!news", database) }

    /// The channel on which operators tell nodes what to do.
    package static func control(database: Int) -> String { channel("tempest:control", database) }

    /// The channel on which a front hears events; their publishers name it without the database.
    package static func events(_ channel: ChannelName, database: Int) -> String { Self.channel(channel.description, database) }

    private static func channel(_ name: String, _ database: Int) -> String { database == 0 ? name : "\(name)@\(database)" }
}

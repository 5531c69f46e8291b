import ArgumentParser
import Tempest

struct PeekCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Show the next jobs of a queue, decoded, without taking them.",
        discussion: """
            EXAMPLE
              tempest peek mail --level high --limit 3
            """)

    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @Option(
        name: .shortAndLong,
        help: "Only this level; without it all levels, in the order in which they are served. May be given several times.",
        transform: { try Level($0) })
    var level: [Level] = []

    @Option(name: [.long, .customShort("n")], help: "At most so many jobs of a level, 1 to 1000.")
    var limit = 10

    // What --limit was called once.
    @Option(name: .shortAndLong, help: .hidden)
    var count: Int?

    @Flag(help: JSONHelp.lines("a job"))
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (1...1000).contains(count ?? limit) else { throw ValidationError("--limit: 1 to 1000") }
    }

    func run() async throws {
        let (name, only, most) = (queue, level, count ?? limit)
        try await connection.withClient { client in
            let levels = only.isEmpty ? try await client.levels(of: name) : only
            var isEmpty = true
            for level in levels {
                for (place, job) in try await client.peek(name, level: level, count: most).enumerated() {
                    isEmpty = false
                    try StandardOutput.say(json ? Shown.json(Self.value(job, level, place)) : Self.line(job, level, place))
                }
            }
            if isEmpty && !json { try StandardOutput.say("Nothing waits.") }
        }
    }

    private static func value(_ peeked: PeekedJob, _ level: Level, _ place: Int) -> Value {
        var map: ValueMap = [
            "level": .text(level.description), "place": .int(Int64(place)), "bytes": .int(Int64(peeked.payload.count)),
        ]
        if let job = peeked.job {
            map["codec"] = .text(job.codec.name)
            map["action"] = .text(job.action)
            map["args"] = job.args.value
            map["respond_to"] = job.respondTo.map { .text($0) } ?? .null
            if case .integer(let id) = job.id { map["job_id"] = Value(id) } else { map["job_id"] = .text(job.id.description) }
            map["meta"] = .map(job.meta)
        } else {
            map["trouble"] = .text(peeked.trouble ?? "")
            map["payload"] = .binary(peeked.payload)
        }
        return .map(map)
    }

    private static func line(_ peeked: PeekedJob, _ level: Level, _ place: Int) -> String {
        guard let job = peeked.job else {
            return
                "\(level) \(place)  no job (\(Shown.escapingControls(peeked.trouble ?? "")))  \(Shown.bytes(peeked.payload, most: 60))"
        }
        let args = Shown.cut(Shown.json(job.args.value), to: 100)
        let waits = job.respondTo == nil ? "" : "  waits"
        return "\(level) \(place)  \(job.codec.name)  \(job.action) \(args)  id \(job.id)\(waits)"
    }
}

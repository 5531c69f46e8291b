import ArgumentParser
import Tempest

struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Look at the dead jobs of a queue, put them back, delete them.",
        discussion: """
            A job is dead when its bytes are no job, nobody handles its action, its attempts are used up, processes crashed under it \
            (poison), or it was to be run once and its worker died under it (interrupted). A queue keeps 10,000 of them, for 180 \
            days, in 64 MiB; after that the oldest go.

            EXAMPLES
              tempest dead mail                                  # the newest 50
              tempest dead list mail --reason exhausted --since 2h
              tempest dead show mail 1764000000000-0
              tempest dead retry mail 1764000000000-0 1764000000001-0
              tempest dead retry mail --all --action send --before 3d --yes
              tempest dead delete mail --all --reason bad_codec
            """,
        subcommands: [DeadListCommand.self, DeadShowCommand.self, DeadRetryCommand.self, DeadDeleteCommand.self],
        defaultSubcommand: DeadListCommand.self)
}

/// Which records: the same flags for list, retry and delete.
struct DeadFilterOptions: ParsableArguments {
    @Option(help: "Only those that died of this, such as exhausted, poison, interrupted, bad_codec.")
    var reason: String?

    @Option(help: "Only jobs of this action; those whose bytes are no job have none.")
    var action: String?

    @Option(help: "Only those that died since: so long ago (2h, 3d), ISO 8601, or milliseconds since 1970.")
    var since: Moment?

    @Option(help: "Only those that died before: as --since.")
    var before: Moment?

    @Option(help: "Only those that this process recorded: its name, or all of P.")
    var by: String?

    var isEmpty: Bool { reason == nil && action == nil && since == nil && before == nil && by == nil }

    /// Ages are counted back from Redis' clock, which dates the records.
    func filter(_ client: TempestClient) async throws -> DeadFilter {
        let now = since == nil && before == nil ? 0 : try await client.time()
        return DeadFilter(
            reason: reason, action: action, by: by, since: since?.milliseconds(now: now), before: before?.milliseconds(now: now))
    }
}

/// Which records are to be changed: ids, or all that filters let through.
struct DeadChoice: ParsableArguments {
    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @Argument(help: "Ids of records, as list shows them.")
    var ids: [String] = []

    @Flag(help: "All records, or all that the filters let through, instead of ids.")
    var all = false

    @Flag(name: .shortAndLong, help: "Do not ask. Needed for more than one record where there is no terminal.")
    var yes = false

    @OptionGroup var filters: DeadFilterOptions

    func validate() throws {
        guard all != !ids.isEmpty else { throw ValidationError("name the records' ids, or say --all, not both") }
        guard all || filters.isEmpty else { throw ValidationError("filters go with --all") }
        for id in ids { try RecordID.check(id) }
    }

    /// The ids, the oldest first where they are not named one by one; nil if the question was answered with no.
    func chosen(_ client: TempestClient, _ queue: QueueName, _ verb: String) async throws -> [String]? {
        var chosen: [String] = []
        if all {
            try await client.eachDead(queue, try await filters.filter(client)) { record in
                chosen.append(record.id)
                return true
            }
            chosen.reverse()
        } else {
            for id in ids where !chosen.contains(id) { chosen.append(id) }
        }
        guard chosen.count > 1 else { return chosen }
        let question = "\(verb) \(chosen.count) dead jobs of queue \(queue)?"
        guard try Confirmation.require(question, yes: yes) else { return nil }
        return chosen
    }
}

/// Ids of records in a stream: milliseconds, a hyphen, a number.
enum RecordID {
    static func check(_ id: String) throws {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ UInt64($0) != nil && !$0.hasPrefix("+") }) else {
            throw ValidationError(
                "\(Shown.cut(id.debugDescription, to: 60)) is no id of a record: those look like 1764000000000-0; see tempest dead list"
            )
        }
    }
}

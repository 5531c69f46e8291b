import ArgumentParser
import Tempest

struct DeadListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List dead jobs, the newest first.",
        discussion: """
            ATTEMPT is the attempt that was the last; CRASHES says how many processes crashed while the job ran. Both are -, or 0, for \
            bytes that are no job. On a terminal the detail is cut to its width.

            EXAMPLES
              tempest dead list mail
              tempest dead list mail --reason exhausted --since 2h --limit 200
              tempest dead list mail --json --by worker-7 | jq -r .id
            """)

    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @OptionGroup var filters: DeadFilterOptions

    @Option(name: [.long, .customShort("n")], help: "At most so many, 1 to 10000.")
    var limit = 50

    @Flag(help: JSONHelp.lines("a record"))
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit: 1 to 10000") }
    }

    func run() async throws {
        let name = queue
        try await connection.withClient { client in
            // One more than is shown: whether there are more is to be said.
            let records = try await client.dead(name, try await filters.filter(client), limit: limit + 1)
            let shown = records.prefix(limit)
            if json {
                for record in shown { try StandardOutput.say(Shown.json(DeadShown.value(record))) }
                return
            }
            guard !shown.isEmpty else {
                try StandardOutput.say(filters.isEmpty ? "Nothing is dead." : "Nothing dead is like that.")
                return
            }
            try StandardOutput.say(DeadShown.table(shown, width: TerminalWidth.columns))
            if records.count > limit {
                try StandardOutput.say("There are more: --limit, or --before \(shown.last.map { String($0.time) } ?? "")")
            }
        }
    }
}

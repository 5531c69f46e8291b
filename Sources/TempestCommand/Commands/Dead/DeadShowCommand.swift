import ArgumentParser
import Foundation
import Tempest

struct DeadShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show all of one dead job.",
        discussion: """
            Its bytes are shown as JSON, whatever their codec. Exits with 1 if there is no such record.

            EXAMPLES
              tempest dead show mail 1764000000000-0
              tempest dead show mail 1764000000000-0 --raw >job        # its bytes, exactly
            """)

    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @Argument(help: "The id of the record, as list shows it.")
    var id: String

    @Flag(help: "Only the job's bytes, as they are.")
    var raw = false

    @Flag(help: JSONHelp.one)
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !raw || !json else { throw ValidationError("--raw or --json, not both") }
        try RecordID.check(id)
    }

    func run() async throws {
        let name = queue
        let found = try await connection.withClient { try await $0.dead(name, id: id) }
        guard let record = found else {
            throw CommandFailure("queue \(name) has no dead job \(id)")
        }
        if raw {
            try StandardOutput.write(record.payload)
        } else {
            try StandardOutput.say(json ? Shown.json(DeadShown.value(record)) : DeadShown.page(record))
        }
    }
}

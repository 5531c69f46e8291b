import ArgumentParser
import Tempest

struct DeadDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete dead jobs for good.",
        discussion: """
            More than one record asks first on a terminal, and needs --yes elsewhere. Exits with 1 if a record was not there, or the \
            question was not answered with yes.

            EXAMPLES
              tempest dead delete mail 1764000000000-0
              tempest dead delete mail --all --reason bad_codec --before 7d --yes
            """)

    @OptionGroup var choice: DeadChoice
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let name = choice.queue
        try await connection.withClient { client in
            guard let ids = try await choice.chosen(client, name, "Delete") else {
                try StandardOutput.say("Nothing was deleted.")
                throw ExitCode(1)
            }
            var deleted = 0
            if choice.all {
                deleted = try await client.forget(name, ids: ids)
            } else {
                // One by one: which of them was not there is to be said.
                for id in ids {
                    let count = try await client.forget(name, ids: [id])
                    if count == 0 { StandardError.say("\(id): there is no such record") }
                    deleted += count
                }
            }
            try StandardOutput.say("Deleted \(deleted).")
            if !choice.all && deleted < ids.count { throw ExitCode(1) }
        }
    }
}

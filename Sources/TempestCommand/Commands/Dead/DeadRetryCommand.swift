import ArgumentParser
import Tempest

struct DeadRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Put dead jobs back to the tails of their levels, as if they had never been tried.",
        discussion: """
            Their ids stay; attempt and last_error are taken out of their meta, and their crashes are forgotten. A deadline that has \
            passed meanwhile stays: such a job expires. Bytes that are no job stay dead unless --force puts them back as they are.

            More than one record asks first on a terminal, and needs --yes elsewhere. Exits with 1 if a record was not there, or \
            stayed dead, or the question was not answered with yes.

            EXAMPLES
              tempest dead retry mail 1764000000000-0
              tempest dead retry mail --all --reason exhausted --since 2h --yes
            """)

    @OptionGroup var choice: DeadChoice

    @Flag(help: "Also bytes that are no job, as they are.")
    var force = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let name = choice.queue
        try await connection.withClient { client in
            guard let ids = try await choice.chosen(client, name, "Retry") else {
                try StandardOutput.say("Nothing was retried.")
                throw ExitCode(1)
            }
            var (retried, failed) = (0, 0)
            for (id, outcome) in zip(ids, try await client.revive(name, ids: ids, force: force)) {
                switch outcome {
                case .revived: retried += 1
                case .missing where choice.all: break  // Somebody else was quicker: nobody named it.
                case .missing:
                    StandardError.say("\(id): there is no such record")
                    failed += 1
                case .noJob(let why):
                    StandardError.say("\(id) stays dead, its bytes are no job (--force): \(why)")
                    failed += 1
                case .refused(let why):
                    StandardError.say("\(id) stays dead: \(why)")
                    failed += 1
                }
            }
            try StandardOutput.say("Retried \(retried).")
            if failed > 0 { throw ExitCode(1) }
        }
    }
}

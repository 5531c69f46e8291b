import ArgumentParser
import Tempest

struct QuietCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quiet",
        abstract: "Tell workers to take no new jobs; what they run goes on.",
        discussion: """
            Waits until their records say so, and exits with 1 if one of them does not obey in time. A quiet worker stays quiet until \
            it ends; to stop a queue, see tempest pause. Workers without a record cannot be told.

            EXAMPLES
              tempest quiet mailer-1
              tempest quiet --all --wait 30s
            """)

    @OptionGroup var choice: NodeChoice

    func run() async throws { try await choice.tell(.quiet) }
}

import ArgumentParser
import Tempest

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Tell workers to end as after SIGTERM: what they run has the grace time, the rest goes back.",
        discussion: """
            Waits until their records say stopping, or they have gone, and exits with 1 if one of them does not obey in time. A \
            supervisor may start them again. Workers without a record cannot be told.

            EXAMPLES
              tempest stop mailer-1
              tempest stop --all --wait 0
            """)

    @OptionGroup var choice: NodeChoice

    func run() async throws { try await choice.tell(.stop) }
}

// Measure how long a caller waits for its answer, and how many calls many callers make. A shell around TempestLoad.

import ArgumentParser
import TempestLoad

struct BenchCallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Measure how long a caller waits for its answer, and how many calls many callers make.",
        discussion: """
            Beside it, in the same run, the limit: two bare loops that go the same way through Redis. 2,000 calls one after the \
            other, then many callers for some seconds. What the figures mean: docs/how-fast.md.

            EXAMPLE
              tempest bench call
              tempest bench call --processes 2 --codec json
            """)

    @OptionGroup var time: BenchSeconds

    @Option(help: "Callers that wait at once, 1 to 100,000.")
    var callers = 64

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...100_000).contains(callers) else { throw ValidationError("--callers: 1 to 100,000") }
    }

    func run() async throws { try await options.run(.call, seconds: time.seconds, callers: callers) }
}

// Measure how long a caller waits for its answer, and how many calls many callers make. A shell around TempestLoad.

import ArgumentParser
import TempestLoad

struct BenchCallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Measure how long a caller waits for its answer, and how many calls many callers make.",
        discussion: """
            Beside it, in the same run, the limit: two bare loops that go the same way through Redis. What the figures mean: docs/how-fast.md.

            EXAMPLE
              tempest bench call
              tempest bench call --processes 2 --codec json
            """)

    @Option(help: "Seconds of calls by many callers in a run.")
    var seconds = 5.0

    @Option(help: "Callers that wait at once, 1 to 100,000.")
    var callers = 64

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (0.1...3600).contains(seconds) else { throw ValidationError("--seconds: 0.1 to 3600") }
        guard (1...100_000).contains(callers) else { throw ValidationError("--callers: 1 to 100000") }
    }

    func run() async throws { try await options.run(.call, seconds: seconds, callers: callers) }
}

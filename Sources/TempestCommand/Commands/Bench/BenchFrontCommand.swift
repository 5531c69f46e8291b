// Measure requests through a front and a worker, beside a plain Hummingbird route. Needs wrk. A shell around TempestLoad.

import ArgumentParser
import TempestLoad

struct BenchFrontCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "front",
        abstract: "Measure requests through a front and a worker, beside a plain Hummingbird route. Needs wrk.",
        discussion: """
            What the figures mean: docs/how-fast.md.

            EXAMPLE
              tempest bench front --codec json
            """)

    @Option(help: "Seconds of requests in a run.")
    var seconds = 5.0

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (0.1...3600).contains(seconds) else { throw ValidationError("--seconds: 0.1 to 3600") }
    }

    func run() async throws { try await options.run(.front, seconds: seconds) }
}

// Measure how fast jobs are pushed, and how fast workers take, run, answer and settle them. A shell around TempestLoad.

import ArgumentParser
import TempestLoad

struct BenchQueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Measure how fast jobs are pushed, and how fast workers take, run, answer and settle them.",
        discussion: """
            Beside it, in the same run, the limit: what this Redis does for the same functions when a bare loop calls them, without codec and \
            handlers. Each run fills a queue anew; a run of 200,000 jobs takes some 10 s. A job has a number, a text of --size bytes and three \
            numbers; its handler takes them typed, and answers with the number. What the figures mean: docs/how-fast.md.

            EXAMPLE
              tempest bench queue
              tempest bench queue --codec json --jobs 1000000 --plot queue.svg
            """)

    @Option(help: "Jobs that wait when the workers begin, 100 to 20,000,000.")
    var jobs = 200_000

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (100...20_000_000).contains(jobs) else { throw ValidationError("--jobs: 100 to 20,000,000") }
    }

    func run() async throws { try await options.run(.queue, jobs: jobs) }
}

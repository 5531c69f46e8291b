// Measure how soon an idle worker begins a job that was pushed by a plain RPUSH, and what idling costs. A shell around TempestLoad.

import ArgumentParser
import TempestLoad

struct BenchWakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "Measure how soon an idle worker begins a job that was pushed by a plain RPUSH, and what idling costs.",
        discussion: """
            500 wakes, each some milliseconds after the one before; beside them the limit: bare loops on the same way. Then the worker has \
            nothing to do. What the figures mean: docs/how-fast.md.

            EXAMPLE
              tempest bench wake
              tempest bench wake --queues 100
            """)

    @OptionGroup var time: BenchSeconds

    @OptionGroup var options: BenchOptions

    func run() async throws { try await options.run(.wake, seconds: time.seconds) }
}

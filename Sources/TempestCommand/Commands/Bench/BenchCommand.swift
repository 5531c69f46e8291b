// The group of commands that measure.

import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure, to choose.",
        discussion: """
            EXAMPLE
              tempest bench codecs --payload my-job.json
              tempest bench queue
              tempest bench call --codec json --size 10000
            """,
        subcommands: [
            BenchCodecsCommand.self, BenchQueueCommand.self, BenchCallCommand.self, BenchWakeCommand.self, BenchFrontCommand.self,
        ])
}

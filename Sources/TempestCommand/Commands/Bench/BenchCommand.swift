// The group of commands that measure.

import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure, to choose.",
        discussion: """
            EXAMPLE
              tempest bench codecs --payload my-job.json
            """,
        subcommands: [BenchCodecsCommand.self])
}

// Measure requests through a front and a worker, beside a plain Hummingbird route. Needs wrk. A shell around TempestLoad.

import ArgumentParser
import TempestLoad

struct BenchFrontCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "front",
        abstract: "Measure requests through a front and a worker, beside a plain Hummingbird route. Needs wrk.",
        discussion: """
            wrk holds 64 connections. What the figures mean: docs/how-fast.md.

            EXAMPLE
              tempest bench front --codec json
            """)

    @OptionGroup var time: BenchSeconds

    @OptionGroup var options: BenchOptions

    func run() async throws { try await options.run(.front, seconds: time.seconds) }
}

import ArgumentParser
import Logging
import Tempest
import TempestLoad

/// The worker of the measurements, a process of its own.
struct BenchWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-worker",
        abstract: "Serve the measurements' actions: note, url, clock.",
        discussion: """
            EXAMPLE
              tempest bench-worker tempest --concurrency 512
            """,
        shouldDisplay: false)

    @Argument(help: "Queues.")
    var queues: [String]

    @Option(help: "Handlers that run at once.")
    var concurrency = 512

    @Option(help: "Levels.")
    var levels = 1

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        var options = WorkerOptions()
        options.concurrency = concurrency
        options.levels = try LoadLevels.named(levels)
        let worker = try Worker(
            queues: queues, redis: connection.configuration, options: options,
            logger: connection.logger("tempest.worker", quiet: .warning))
        LoadWorker.register(on: worker)
        try await worker.runUntilSignalled()
    }
}

import ArgumentParser
import Logging
import Synchronization
import Tempest

/// The Swift worker of the demonstration, a process of its own like those of the other languages.
struct DemoWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-worker",
        abstract: "Serve the demonstration's actions: wordcount, echo, sleep, nap, spin, turn, url, websocket.",
        discussion: """
            EXAMPLE
              tempest demo-worker tempest &
              tempest call wordcount 'a b a'
            """,
        shouldDisplay: false)

    @Argument(help: "Queues.")
    var queues: [String] = ["tempest"]

    @Option(help: "Handlers that run at once.")
    var concurrency = 10

    @Option(help: "Seconds that running handlers get when it is to stop.")
    var grace = 25.0

    @Option(help: "Seconds without a beat after which others may take its jobs.")
    var lease = 10.0

    @Option(
        help: .init(
            "For the fault harness: serve record and poison too, and append their runs to this file.", visibility: .hidden))
    var journal: String?

    @Option(
        help: .init("With --journal: the actions that are recorded, separated by commas.", visibility: .hidden))
    var actions = "record"

    @Option(help: "Weights of the levels, such as high=6,default=3,low=1; without them levels are served strictly in order.")
    var weights: String?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard concurrency > 0 else { throw ValidationError("--concurrency: from 1") }
    }

    func run() async throws {
        var options = WorkerOptions()
        options.concurrency = concurrency
        options.lease = .seconds(lease)
        options.grace = .seconds(grace)
        options.weights = try weights.map { try LevelWeights($0).values }
        let logger = connection.logger("tempest.worker", quiet: .warning)
        let worker = try Worker(queues: queues, redis: connection.configuration, options: options, logger: logger)
        let turns = Mutex(0)
        worker.handle("wordcount") { (_: JobContext, text: String) in WordCount(text) }
        worker.handle(dynamic: "echo") { context in context.args.value }
        worker.handle("sleep") { (_: JobContext, seconds: Double) in try await Task.sleep(for: .seconds(seconds)) }
        worker.handle("nap") { (_: JobContext, number: Int, milliseconds: Double) in
            try await Task.sleep(for: .milliseconds(milliseconds))
            return number
        }
        worker.handle("spin") { (_: JobContext, seconds: Double) in
            // Blocks its thread on purpose, as a careless handler would.
            let end = ContinuousClock.now + .seconds(seconds)
            while ContinuousClock.now < end {}
        }
        worker.handle("turn") { (context: JobContext, name: String) in
            let turn = turns.withLock { turns in
                turns += 1
                return turns
            }
            return Turn(turn: turn, name: name, level: context.level.description, codec: context.job.codec.name)
        }
        worker.handle(dynamic: "websocket") { context in
            // Opening and end are answered with no frame, a message with itself.
            context.args[0]["event"]?.text == "message" ? context.args[0]["data"]?.value ?? "" : .null
        }
        if let journal {
            try FaultJournal(path: journal).register(on: worker, recorded: actions.split(separator: ",").map(String.init))
        } else {
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                request.body.isEmpty ? WebAnswer(text: "hello, world\n") : WebAnswer(body: request.body)
            }
        }
        try await worker.runUntilSignalled()
    }
}

/// Which turn a job had in the order in which they were served.
struct Turn: Codable, Sendable {
    var turn: Int
    var name: String
    var level: String
    var codec: String
}

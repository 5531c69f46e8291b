import ArgumentParser
import Tempest

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Push a job and print its answers as they come, a line of JSON each.",
        discussion: """
            Exits with 1 if the worker answers with an error or not in time; the error goes to standard error.

            EXAMPLE
              tempest call add 2 3 --codec msgpack --timeout 5
              tempest call fetch a.png \\
                --route 'resize@images,[store@disks,caption@models:low],page'
            """)

    @Argument(help: "The action: the name of a handler.")
    var action: String

    @Argument(
        parsing: .allUnrecognized, help: "The arguments, each as JSON; what is not JSON is text. After -- they may begin with -.")
    var arguments: [String] = []

    @Option(name: .shortAndLong, help: "How long to wait for the next answer: a number and ms, s, m, h, d or w.")
    var timeout = TimeSpan(milliseconds: 30_000)

    @Option(help: RouteText.help)
    var route: String?

    @OptionGroup var trials: TrialOptions
    @OptionGroup var queue: QueueOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        try NegativeNumbers.check(arguments)
        _ = try RouteText.route(route)
        try JobText.check(action)
        guard timeout.milliseconds > 0 else { throw ValidationError("--timeout: more than 0") }
    }

    func run() async throws {
        let codec = try queue.chosenCodec()
        let route = try RouteText.route(route)
        let request = try JobRequest(action, values: queue.values(arguments))
        let (connection, name, level, timeout, options) = (connection, queue.name, queue.level, timeout, trials.options)
        // Also after Ctrl-C the client is shut down: its inbox must not stay registered.
        try await Interruptible.run {
            try await connection.withClient { client in
                await client.announceLoudly(name, level)
                let answers = try await client.stream(
                    request, queue: name, level: level, codec: codec, timeout: timeout.duration,
                    options: options, route: route, of: Value.self)
                for try await answer in answers { try StandardOutput.say(Shown.json(answer)) }
            }
        }
    }
}

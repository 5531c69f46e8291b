import ArgumentParser
import Tempest

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push a job that nobody waits for, and print its id.",
        discussion: """
            With --after or --at it is not begun before then, by Redis' clock; a time that has passed is now. Exits with 1 if Redis does \
            not take it.

            EXAMPLES
              tempest push resize '"cat.png"' '{"width": 640}' --queue images --level low
              tempest push remind '"call back"' --after 2h
              tempest push remind '"happy new year"' --at 2027-01-01T00:00:00Z
              tempest push charge 42 --attempts 5 --backoff 2s,10m --expires 1d
            """)

    @Argument(help: "The action: the name of a handler.")
    var action: String

    @Argument(
        parsing: .allUnrecognized, help: "The arguments, each as JSON; what is not JSON is text. After -- they may begin with -.")
    var arguments: [String] = []

    @Option(help: "Not before so much time has passed: a number and ms, s, m, h, d or w.")
    var after: TimeSpan?

    @Option(help: "Not before this instant: ISO 8601 with its zone, or milliseconds since 1970.")
    var at: Instant?

    @Option(help: RouteText.help)
    var route: String?

    @OptionGroup var trials: TrialOptions
    @OptionGroup var queue: QueueOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        try NegativeNumbers.check(arguments)
        try JobText.check(action)
        _ = try RouteText.route(route)
        guard after == nil || at == nil else { throw ValidationError("--after or --at, not both") }
    }

    func run() async throws {
        let codec = try queue.chosenCodec()
        let route = try RouteText.route(route)
        let request = try JobRequest(action, values: queue.values(arguments))
        try await connection.withClient { client in
            await client.announceLoudly(queue.name, queue.level)
            try await client.push(
                [request], queue: queue.name, level: queue.level, after: after?.duration, at: at?.time, codec: codec,
                options: trials.options, route: route)
        }
        try StandardOutput.say("\(request.id)")
    }
}

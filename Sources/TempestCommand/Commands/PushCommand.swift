import ArgumentParser
import Tempest

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push a job that nobody waits for, and print its id.",
        discussion: """
            EXAMPLE
              tempest push resize '"cat.png"' '{"width": 640}' --queue images --level low
            """)

    @Argument(help: "The action: the name of a handler.")
    var action: String

    @Argument(
        parsing: .allUnrecognized, help: "The arguments, each as JSON; what is not JSON is text. After -- they may begin with -.")
    var arguments: [String] = []

    @OptionGroup var queue: QueueOptions
    @OptionGroup var connection: ConnectionOptions

    func validate() throws { try NegativeNumbers.check(arguments) }

    func run() async throws {
        let level = try Level(queue.level)
        let codec = try queue.chosenCodec()
        let request = try JobRequest(action, values: queue.values(arguments))
        try await connection.withClient { client in
            await client.announce(queue.queue, level)
            try await client.push([request], queue: queue.queue, level: level, codec: codec)
        }
        print(request.id)
    }
}

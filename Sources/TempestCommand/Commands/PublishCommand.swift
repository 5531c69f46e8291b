import ArgumentParser
import Tempest

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish an event to the browsers that follow a channel, and print how many heard it.",
        discussion: """
            A front (GET /sub/CHANNEL) is one that hears, however many browsers follow the channel there. The last events are kept for \
            browsers that come back.

            EXAMPLES
              tempest publish news 'hello'
              tempest publish shop:prices price '{"id": 7, "cents": 1250}' --keep 1
              tempest publish news --end
            """)

    @Argument(help: "The channel: 1 to 128 of A-Z a-z 0-9 _ . : -")
    var channel: String

    @Argument(
        parsing: .allUnrecognized,
        help:
            "[EVENT] DATA: what browsers know the event by (default: message), and JSON, or else text. After -- they may begin with -."
    )
    var words: [String] = []

    @Option(help: "How many of the channel's events are kept, this one among them: 0 to 100000.")
    var keep = TempestClient.keptEvents

    @Flag(help: "End the streams of all who follow the channel now; without EVENT and DATA.")
    var end = false

    @Flag(help: "Take DATA as text, also where it is JSON.")
    var text = false

    @Flag(help: JSONHelp.one)
    var json = false

    @OptionGroup var connection: ConnectionOptions

    /// The parser hands the terminator on.
    private var given: [String] {
        var words = words
        if let terminator = words.firstIndex(of: "--") { words.remove(at: terminator) }
        return words
    }

    func validate() throws {
        try NegativeNumbers.check(words)
        if end {
            guard given.isEmpty else { throw ValidationError("--end takes no EVENT and no DATA") }
        } else {
            guard (1...2).contains(given.count) else {
                throw ValidationError("CHANNEL [EVENT] DATA: put DATA with blanks into quotes")
            }
        }
        guard (0...100_000).contains(keep) else { throw ValidationError("--keep: 0 to 100000") }
    }

    func run() async throws {
        let (channel, given, keep, end) = (channel, given, keep, end)
        let data = try given.last.map { text ? Value.text($0) : try JSONArgument.value($0) } ?? .null
        let publication = try await connection.withClient { client in
            if end { return try await client.endStreams(channel: channel) }
            return try await client.publish(
                channel: channel, event: given.count == 2 ? given[0] : nil, data: data, keep: keep)
        }
        try StandardOutput.say(json ? Shown.json(value(publication)) : line(publication))
    }

    private func value(_ publication: Publication) -> Value {
        [
            "channel": .text(channel), "id": publication.id.map { .text($0) } ?? .null,
            "heard": .int(Int64(publication.heard)),
        ]
    }

    private func line(_ publication: Publication) -> String {
        let kept = publication.id.map { ", kept as \($0)" } ?? ""
        return "\(publication.heard) heard it\(kept)."
    }
}

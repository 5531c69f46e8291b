import ArgumentParser
import Tempest

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stop workers from taking jobs of a queue, or of some of its levels; jobs may still be pushed.",
        discussion: """
            Workers of tier 0 (a bare BLPOP) do not know of it. Running jobs go on.

            EXAMPLE
              tempest pause mail            # the whole queue
              tempest pause mail --level low
            """)

    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @Option(
        name: .shortAndLong, help: "Only this level; without it the whole queue. May be given several times.",
        transform: { try Level($0) })
    var level: [Level] = []

    // Once they stood behind the queue.
    @Argument(help: .hidden, transform: { try Level($0) })
    var levels: [Level] = []

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (name, levels) = (queue, level + levels)
        let changed = try await connection.withClient { try await $0.pause(name, levels: levels) }
        try StandardOutput.say(changed > 0 ? "Paused." : "It was paused already.")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let workers take jobs of a paused queue, or of some of its levels, again.",
        discussion: """
            Exits with 1 if a level is still paused because the whole queue is.

            EXAMPLE
              tempest resume mail
              tempest resume mail --level low
            """)

    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @Option(
        name: .shortAndLong, help: "Only this level; without it all that are paused. May be given several times.",
        transform: { try Level($0) })
    var level: [Level] = []

    // Once they stood behind the queue.
    @Argument(help: .hidden, transform: { try Level($0) })
    var levels: [Level] = []

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (name, levels) = (queue, level + levels)
        let (changed, still) = try await connection.withClient { client in
            let changed = try await client.resume(name, levels: levels)
            let paused = try await client.statistics(name, levels: levels + Level.customary).levels.filter(\.isPaused).map(
                \.level)
            return (changed, levels.filter { paused.contains($0) })
        }
        if !still.isEmpty {
            try StandardOutput.say("Still paused with the whole queue: tempest resume \(name)")
            throw ExitCode(1)
        }
        try StandardOutput.say(changed > 0 ? "Resumed." : "Nothing of that was paused.")
    }
}

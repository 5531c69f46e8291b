import ArgumentParser
import Tempest

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stop workers from taking jobs of a queue, or of some of its levels; jobs may still be pushed.",
        discussion: """
            Workers of level 0 (a bare BLPOP) do not know of it. Running jobs go on.

            EXAMPLE
              tempest pause mail            # the whole queue
              tempest pause mail low        # one level
            """)

    @Argument(help: "The queue.")
    var queue: String

    @Argument(help: "Levels; without any, all.")
    var levels: [String] = []

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (name, levels) = (try QueueName(queue), try self.levels.map { try Level($0) })
        let changed = try await connection.withClient { try await $0.pause(name, levels: levels) }
        print(changed > 0 ? "Paused." : "It was paused already.")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let workers take jobs of a paused queue, or of some of its levels, again.",
        discussion: """
            EXAMPLE
              tempest resume mail
            """)

    @Argument(help: "The queue.")
    var queue: String

    @Argument(help: "Levels; without any, all that are paused.")
    var levels: [String] = []

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (name, levels) = (try QueueName(queue), try self.levels.map { try Level($0) })
        let (changed, still) = try await connection.withClient { client in
            let changed = try await client.resume(name, levels: levels)
            let paused = try await client.statistics(name, levels: levels + Level.customary).levels.filter(\.isPaused).map(
                \.level)
            return (changed, levels.filter { paused.contains($0) })
        }
        if !still.isEmpty {
            print("Still paused with the whole queue: tempest resume \(name)")
            throw ExitCode(1)
        }
        print(changed > 0 ? "Resumed." : "Nothing of that was paused.")
    }
}

import ArgumentParser
import Tempest

struct ClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Delete the jobs that wait in a queue. Asks first.",
        discussion: """
            Jobs that wait to be run alone, or for a worker that has a handler for them, are among them. Jobs that run go on, and dead ones \
            stay; so do delayed ones, unless --delayed is given. What is left is said.

            Asks first on a terminal, and needs --yes elsewhere. Exits with 1 if the question is not answered with yes.

            EXAMPLES
              tempest clear mail --level low
              tempest clear mail --yes           # all levels, without asking
              tempest clear mail --delayed       # and what is not due yet
            """)

    @Argument(help: "The queue.", transform: { try QueueName($0) })
    var queue: QueueName

    @Option(
        name: .shortAndLong, help: "Only this level; without it the whole queue. May be given several times.",
        transform: { try Level($0) })
    var level: [Level] = []

    @Flag(help: "Also jobs that are not due yet, and failed ones that wait for their next attempt.")
    var delayed = false

    @Flag(name: .shortAndLong, help: "Do not ask. Needed where there is no terminal.")
    var yes = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !delayed || level.isEmpty else {
            throw ValidationError("--delayed goes with the whole queue: delayed jobs are not kept by their levels")
        }
    }

    func run() async throws {
        let (queue, level, delayed) = (queue, level, delayed)
        try await connection.withClient { client in
            let seen = try await client.statistics(queue, levels: level + Level.customary)
            let count = waiting(seen)
            guard count > 0 || (seen.suspects > 0 && !level.isEmpty) else {
                let left = left(seen)
                return try StandardOutput.say(left.isEmpty ? "Nothing waits." : "Nothing waits. \(left)")
            }
            guard try Confirmation.require(question(count, seen), yes: yes) else {
                try StandardOutput.say("Nothing was deleted.")
                throw ExitCode(1)
            }
            let cleared = try await client.clear(queue, levels: level, delayed: delayed)
            let left = left(try await client.statistics(queue, levels: level + Level.customary))
            try StandardOutput.say("Deleted \(cleared.total).\(left.isEmpty ? "" : " \(left)")")
        }
    }

    private func isMeant(_ level: Level) -> Bool { self.level.isEmpty || self.level.contains(level) }

    /// How many there are to delete; suspects, which are not counted by level, only of the whole queue.
    private func waiting(_ seen: QueueStatistics) -> Int {
        let listed = seen.levels.filter { isMeant($0.level) }.reduce(0) { $0 + ($1.waiting ?? 0) }
        let unknown = seen.unknown.filter { isMeant($0.level) }.reduce(0) { $0 + $1.count }
        return listed + unknown + (level.isEmpty ? seen.suspects : 0) + (delayed ? seen.delayed : 0)
    }

    private func question(_ count: Int, _ seen: QueueStatistics) -> String {
        let names = level.map(\.description).joined(separator: ", ")
        let place = level.isEmpty ? "" : "level\(level.count == 1 ? "" : "s") \(names) of "
        let alone = !level.isEmpty && seen.suspects > 0 ? ", and those that wait to be run alone" : ""
        return "Delete \(count) job\(count == 1 ? "" : "s") waiting in \(place)queue \(queue)\(alone)?"
    }

    /// What is not deleted.
    private func left(_ seen: QueueStatistics) -> String {
        let broken = seen.levels.filter { isMeant($0.level) && $0.waiting == nil }.map { "\($0.level) (no list)" }
        let parts = [
            seen.delayed > 0 ? "\(seen.delayed) delayed\(level.isEmpty ? " (--delayed)" : "")" : nil,
            seen.running > 0 ? "\(seen.running) running" : nil,
            seen.dead > 0 ? "\(seen.dead) dead (tempest dead delete \(queue) --all)" : nil,
        ]
        let all = parts.compactMap(\.self) + broken
        return all.isEmpty ? "" : "Left: \(all.joined(separator: ", "))."
    }
}

import ArgumentParser
import Tempest

struct ClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Delete the jobs that wait in a queue. Asks first.",
        discussion: """
            Jobs that run go on. Exits with 1 if the question is not answered with yes.

            EXAMPLE
              tempest clear mail --level low
              tempest clear mail --yes        # all levels, without asking
            """)

    @Argument(help: "The queue.")
    var queue: String

    @Option(name: .shortAndLong, help: "Only this level.")
    var level: String?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let name = try QueueName(queue)
        let only = try level.map { try Level($0) }
        try await connection.withClient { client in
            let seen = try await client.statistics(name, levels: (only.map { [$0] } ?? []) + Level.customary).levels
                .filter { only == nil || $0.level == only }
            let waiting = seen.reduce(0) { $0 + ($1.waiting ?? 0) }
            guard waiting > 0 else {
                print("Nothing waits.")
                return
            }
            if !yes {
                let what = only.map { "level \($0) of " } ?? ""
                guard Confirmation.ask("Delete \(waiting) job\(waiting == 1 ? "" : "s") waiting in \(what)queue \(name)?") else {
                    print("Nothing was deleted.")
                    throw ExitCode(1)
                }
            }
            let deleted = try await client.clear(name, levels: seen.filter { $0.waiting != nil }.map(\.level))
            print("Deleted \(deleted).")
        }
    }
}

import ArgumentParser
import Tempest

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Show the workers: where they run, which queues they serve, what they run.",
        discussion: """
            A worker has a record, and a process (P) registered on each of its queues. STATE is running, quiet or stopping as the \
            record says; gone: none of its processes is registered; broken: the record cannot be read (redis-cli HDEL tempest:nodes ID \
            takes it away); ?: a process without a record, such as a small worker in another language. Records of workers that are \
            gone, and began more than a minute ago, are taken away by this command after it has shown them; a worker that lives after \
            all writes its record again when it comes back. RUNNING is jobs / how many it may run at the same time.

            EXAMPLES
              tempest workers
              tempest workers --jobs             # with the jobs that each of them runs
              tempest workers --json | jq 'select(.state == "gone")'
            """)

    @Flag(help: "Also the jobs that they run, under each.")
    var jobs = false

    @Flag(help: JSONHelp.lines("a worker, with its processes and their jobs"))
    var json = false

    @Flag(help: "Leave the records of workers that are gone where they are.")
    var keep = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await connection.withClient { client in
            let nodes = try await client.nodes()
            let now = try await client.time()
            if json {
                for node in nodes { try StandardOutput.say(Shown.json(NodeShown.value(node))) }
            } else {
                try StandardOutput.say(nodes.isEmpty ? "No workers." : NodeShown.table(nodes, now: now, jobs: jobs))
            }
            guard !keep, nodes.contains(where: { $0.standing == .gone }) else { return }
            do {
                let removed = try await client.removeGone(nodes)
                if !removed.isEmpty && !json {
                    StandardError.say(
                        "Taken away: \(removed.count) record\(removed.count == 1 ? "" : "s") of workers that are gone.")
                }
            } catch let error as RedisError where error.code == .permission || error.code == .readOnly {
                // Who may only look still sees them.
                StandardError.say("The records of workers that are gone stay: \(error.message)")
            }
        }
    }
}

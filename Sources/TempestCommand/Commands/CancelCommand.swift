import ArgumentParser
import Tempest

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel jobs by their ids: waiting ones are skipped when their turn comes, running ones are told.",
        discussion: """
            Nobody looks whether there are such jobs: the ids are remembered, and a job whose turn comes later than that runs after \
            all. A worker of tier 0 or 1 does not know of it. Exits with 1 if no queue is known and none is named.

            EXAMPLES
              tempest cancel 5gq1w8h2k3m4n5p6r7s8t9v0wx                # in every queue
              tempest cancel 17 18 --queue mail --for 30d
            """)

    @Argument(help: "Ids of jobs, as push prints them.")
    var ids: [String]

    @Option(
        name: .shortAndLong, help: "Only this queue; without it all that workers have served. May be given several times.",
        transform: { try QueueName($0) })
    var queue: [QueueName] = []

    @Option(name: .customLong("for"), help: "How long it is remembered: a number and ms, s, m, h, d or w; at most 30d.")
    var time = TimeSpan(milliseconds: 7 * 86_400_000)

    @Flag(help: JSONHelp.lines("an id"))
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (1...30 * 86_400_000).contains(time.milliseconds) else { throw ValidationError("--for: 1ms to 30d") }
        for id in ids where !(1...128).contains(id.utf8.count) {
            throw ValidationError(
                "an id has 1 to 128 bytes, \(Shown.cut(Shown.escapingControls(id.debugDescription), to: 40)) has not")
        }
    }

    func run() async throws {
        let named = queue
        try await connection.withClient { client in
            let queues = named.isEmpty ? try await client.queues() : named
            guard !queues.isEmpty else {
                throw CommandFailure("no queue is known here: workers make theirs known when they start. Name one: --queue")
            }
            for id in ids {
                var heard = 0
                for queue in queues {
                    heard += try await client.cancel(job: .text(id), queue: queue, for: time.duration)
                }
                try StandardOutput.say(json ? Shown.json(value(id, queues, heard)) : line(id, queues, heard))
            }
        }
    }

    private func value(_ id: String, _ queues: [QueueName], _ heard: Int) -> Value {
        [
            "job_id": .text(id), "queues": .array(queues.map { .text($0.description) }), "heard": .int(Int64(heard)),
            "for": .int(time.milliseconds),
        ]
    }

    private func line(_ id: String, _ queues: [QueueName], _ heard: Int) -> String {
        let place = queues.count == 1 ? "queue \(queues[0])" : "\(queues.count) queues"
        let remembered = "remembered for \(TimeSpan.shown(milliseconds: time.milliseconds))"
        let told =
            switch heard {
            case 0: "no worker listened: where it runs it goes on"
            case 1: "1 running worker was told"
            default: "\(heard) running workers were told"
            }
        return "\(Shown.escapingControls(id)): is not to run in \(place), \(remembered); \(told)."
    }
}

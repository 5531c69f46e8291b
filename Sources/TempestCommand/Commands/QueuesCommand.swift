import ArgumentParser
import Foundation
import Tempest

struct QueuesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queues",
        abstract: "Show queues: what waits in each level, what runs, how fast jobs arrive and are settled.",
        discussion: """
            DELAYED are jobs that are not due yet, and failed ones that wait for their next attempt; SUSPECTS are jobs that processes \
            crashed under, which wait to be run alone. Jobs of actions that no worker had a handler for when they were claimed are named \
            below the table: they wait for a worker that has one. Rates are measured between two looks. Workers of tier 0 (a bare \
            BLPOP) are not seen: what they take does not count as settled.

            EXAMPLE
              tempest queues
              tempest queues mail --json --interval 5
            """)

    @Argument(
        help: .init("Queues; without any, all that workers have served.", valueName: "queues"), transform: { try QueueName($0) })
    var names: [QueueName] = []

    @Option(help: "The time between the two looks: a number and ms, s, m or h.")
    var interval = TimeSpan(milliseconds: 1000)

    @Flag(help: JSONHelp.one)
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (1...3_600_000).contains(interval.milliseconds) else { throw ValidationError("--interval: 1ms to 1h") }
    }

    func run() async throws {
        let rows = try await connection.withClient { client in
            if let warning = try await client.evictionWarning() { StandardError.say("Warning: \(warning)") }
            let queues = names.isEmpty ? try await client.queues() : names
            var rows: [QueueRow] = []
            let start = ContinuousClock.now
            for queue in queues { rows.append(QueueRow(first: try await client.statistics(queue))) }
            guard !rows.isEmpty else { return rows }
            try await Task.sleep(for: interval.duration)
            for index in rows.indices {
                rows[index].second = try await client.statistics(rows[index].first.queue)
                rows[index].seconds = (ContinuousClock.now - start) / .seconds(1)
            }
            return rows
        }
        try StandardOutput.say(json ? Shown.json(.array(rows.map(\.value))) : QueueRow.table(rows))
    }
}

extension QueueStatistics {
    /// What is said of jobs that nobody can run now.
    fileprivate var unknownLines: [String] {
        unknown.map { jobs in
            let are = jobs.count == 1 ? "job waits" : "jobs wait"
            let action = String(jobs.action.prefix(80)).debugDescription
            return "\(queue), \(jobs.level): \(jobs.count) \(are) for a worker that has a handler for the action \(action)"
        }
    }
}

/// Two looks at a queue.
private struct QueueRow {
    var first: QueueStatistics
    var second: QueueStatistics
    var seconds = 1.0

    init(first: QueueStatistics) { (self.first, second) = (first, first) }

    var arriving: Double { max(0, Double(second.arrived - first.arrived) / seconds) }
    var settling: Double { max(0, Double(second.settled - first.settled) / seconds) }

    var value: Value {
        let levels = second.levels.map { level -> Value in
            [
                "level": .text(level.level.description), "waiting": level.waiting.map { .int(Int64($0)) } ?? .null,
                "paused": .bool(level.isPaused),
            ]
        }
        return [
            "queue": .text(second.queue.description), "levels": .array(levels), "waiting": .int(Int64(second.waiting)),
            "running": .int(Int64(second.running)), "workers": .int(Int64(second.processes)),
            "arriving_per_second": .double(arriving), "settling_per_second": .double(settling),
            "delayed": .int(Int64(second.delayed)), "suspects": .int(Int64(second.suspects)),
            "unknown": .array(
                second.unknown.map { jobs -> Value in
                    [
                        "level": .text(jobs.level.description), "action": .text(jobs.action),
                        "count": .int(Int64(jobs.count)),
                    ]
                }), "dead": .int(Int64(second.dead)), "inboxes": .int(Int64(second.inboxes)),
            "counts": .map(ValueMap(second.counts.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) })),
        ]
    }

    static func table(_ rows: [QueueRow]) -> String {
        guard !rows.isEmpty else { return "No queues yet: a worker makes its queues known when it starts." }
        var table = Table([
            ("QUEUE", .left), ("LEVEL", .left), ("WAITING", .right), ("RUNNING", .right), ("ARRIVING/s", .right),
            ("SETTLING/s", .right), ("DELAYED", .right), ("SUSPECTS", .right), ("DEAD", .right), ("WORKERS", .right),
        ])
        for row in rows {
            for (index, level) in row.second.levels.enumerated() {
                let waiting = level.waiting.map(String.init) ?? "not a list"
                let name = level.level.description + (level.isPaused ? " (paused)" : "")
                let rates = [row.arriving, row.settling].map { String(format: "%.1f", $0) }
                table.add(
                    index == 0
                        ? [
                            row.second.queue.description, name, waiting, String(row.second.running), rates[0], rates[1],
                            String(row.second.delayed), String(row.second.suspects), String(row.second.dead),
                            String(row.second.processes),
                        ] : ["", name, waiting, "", "", "", "", "", "", ""])
            }
        }
        return ([table.text] + rows.flatMap(\.second.unknownLines)).joined(separator: "\n")
    }
}

// Nodes as people and programs read them. Before it: client.nodes. Everything in a record is hostile: see Shown.

import Tempest

enum NodeShown {
    /// How a node stands: its own state where there is a record to believe.
    static func state(_ node: NodeStatus) -> String {
        switch node.standing {
        case .registered: node.record?.state.rawValue ?? "?"
        case .gone: "gone"
        case .broken: "broken"
        case .unlisted: "?"
        }
    }

    /// Everything, for programs.
    static func value(_ node: NodeStatus) -> Value {
        var map: ValueMap = ["id": .text(bounded(node.id)), "state": .text(state(node)), "running": .int(Int64(node.running))]
        if let record = node.record {
            map["name"] = .text(record.name)
            map["kind"] = .text(record.kind)
            map["language"] = .text(record.language)
            map["version"] = .text(record.version)
            map["host"] = .text(record.host)
            map["pid"] = .int(Int64(record.pid))
            map["started"] = Value(record.started)
            map["concurrency"] = .int(Int64(record.concurrency))
            map["queues"] = .map(ValueMap(record.queues.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) }))
        }
        map["processes"] = .array(node.processes.map(value))
        return .map(map)
    }

    private static func value(_ process: QueueProcess) -> Value {
        let jobs = process.note?.running.map { job -> Value in
            ["job_id": .text(job.job), "action": .text(job.action), "level": .text(job.level), "started": Value(job.started)]
        }
        return [
            "queue": .text(process.queue.description), "process": .text(bounded(process.name)), "beat": .int(Int64(process.beat)),
            "lease": .int(Int64(process.lease)), "held": .int(Int64(process.held)), "landed": .int(Int64(process.landed)),
            "running": .int(Int64(process.running)), "jobs": jobs.map { .array($0) } ?? .null,
            "note": .text(process.hasBrokenNote ? "broken" : process.note == nil ? "none" : "read"),
        ]
    }

    /// A line a node; with `jobs` what it runs under it, the oldest first.
    static func table(_ nodes: [NodeStatus], now: UInt64, jobs: Bool) -> String {
        var table = Table([
            ("NAME", .left), ("ID", .left), ("KIND", .left), ("VERSION", .left), ("HOST", .left), ("QUEUES", .left),
            ("STATE", .left),
            ("SINCE", .right), ("RUNNING", .right),
        ])
        for node in nodes {
            let record = node.record
            let kind = [record?.kind ?? "", record?.language ?? ""].filter { !$0.isEmpty }.joined(separator: "/")
            let queues = record?.queues.keys.sorted() ?? node.processes.map(\.queue.description)
            table.add([
                cell(record?.name ?? "?", 40), cell(node.id, 60), cell(kind, 30), cell(record?.version ?? "", 20),
                record.map { $0.host.isEmpty ? "" : "\(cell($0.host, 40)):\($0.pid)" } ?? "",
                cell(queues.joined(separator: ","), 60), state(node),
                record.map { $0.started == 0 ? "" : age($0.started, now) } ?? "",
                node.processes.isEmpty ? "" : running(node),
            ])
        }
        guard jobs else { return table.text }
        let lines = table.text.split(separator: "\n", omittingEmptySubsequences: false)
        return ([String(lines[0])] + zip(lines.dropFirst(), nodes).flatMap { [String($0)] + self.jobs($1, now) })
            .joined(separator: "\n")
    }

    private static func running(_ node: NodeStatus) -> String {
        guard let most = node.record?.concurrency, most > 0 else { return "\(node.running)" }
        return "\(node.running)/\(most)"
    }

    private static func jobs(_ node: NodeStatus, _ now: UInt64) -> [String] {
        node.processes.flatMap { process -> [String] in
            let queue = process.queue.description
            guard let note = process.note else {
                if process.hasBrokenNote {
                    return ["    \(queue): what it says of its jobs cannot be read; it holds \(process.held)"]
                }
                return process.held == 0 ? [] : ["    \(queue): holds \(process.held), and does not say which"]
            }
            var lines = note.running.sorted { $0.started < $1.started }.map { job in
                "    \(cell(job.job, 130))  \(cell(job.action, 60))  \(queue) \(cell(job.level, 30))  \(age(job.started, now))"
            }
            if note.count > note.running.count { lines.append("    \(queue): and \(note.count - note.running.count) more") }
            return lines
        }
    }

    /// How long ago by Redis' clock; clocks that differ make no negative ages.
    private static func age(_ started: UInt64, _ now: UInt64) -> String {
        TimeSpan.shown(milliseconds: Int64(now - min(now, started)))
    }

    private static func cell(_ text: String, _ width: Int) -> String { Shown.cut(Shown.escapingControls(text), to: width) }

    /// Fields of a hash may be of any length.
    private static func bounded(_ text: String) -> String { Shown.cut(text, to: 200) }
}

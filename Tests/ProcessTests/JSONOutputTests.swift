import Foundation
import Tempest
import TempestTesting
import Testing

/// The tables of docs/json-output.md.
struct JSONTables {
    /// Command → its fields, such as `levels[].level`.
    let tables: [String: [String]]

    init() throws {
        let text = try String(contentsOfFile: "\(Program.root)/docs/json-output.md", encoding: .utf8)
        var tables: [String: [String]] = [:]
        var command = ""
        for line in text.split(separator: "\n") {
            if let title = line.firstMatch(of: /^## `tempest (.+) --json`$/) {
                command = String(title.1)
            } else if let field = line.firstMatch(of: /^\| `([^`]+)` \|/) {
                tables[command, default: []].append(String(field.1))
            }
        }
        self.tables = tables
    }

    /// Holds what a command has printed against its table: each field of it is there, unless it may be missing, and no other one.
    func check(_ command: String, _ objects: [Value], sourceLocation: SourceLocation = #_sourceLocation) {
        let documented = Set(tables[command] ?? [])
        #expect(!documented.isEmpty, "there is no table for \(command)", sourceLocation: sourceLocation)
        let found = objects.reduce(into: Set<String>()) { $0.formUnion(fields($1, "", documented)) }
        #expect(documented.subtracting(found) == [], "documented, and not printed by \(command)", sourceLocation: sourceLocation)
        #expect(found.subtracting(documented) == [], "printed by \(command), not documented", sourceLocation: sourceLocation)
    }

    /// All paths in it; an object or array of whose inside the table says nothing is one.
    private func fields(_ value: Value, _ path: String, _ documented: Set<String>) -> Set<String> {
        if let map = value.asMap, path.isEmpty || documented.contains(where: { $0.hasPrefix("\(path).") }) {
            return map.reduce(into: path.isEmpty || path.hasSuffix("[]") ? [] : [path]) { found, pair in
                found.formUnion(fields(pair.value, path.isEmpty ? pair.key : "\(path).\(pair.key)", documented))
            }
        }
        if let array = value.asArray, documented.contains(where: { $0.hasPrefix("\(path)[]") }) {
            return array.reduce(into: [path]) { $0.formUnion(fields($1, "\(path)[]", documented)) }
        }
        return path.hasSuffix("[]") ? [] : [path]
    }
}

@Suite("What --json prints is documented")
struct JSONOutputTests {
    @Test("Every command that has --json has a table, and says where it is")
    func complete() async throws {
        let tables = try JSONTables().tables
        let commands = [
            ["queues"], ["peek"], ["publish"], ["cancel"], ["dead", "list"], ["workers"], ["supervise"],
        ]
        for command in commands {
            let help = try await Program.run(command + ["--help"]).output.joined(separator: " ")
            #expect(help.contains("--json") && help.contains("docs/json-output.md"), "\(command)")
            #expect(tables[command.joined(separator: " ")] != nil, "\(command)")
        }
        for command in [
            ["push"], ["call"], ["pause"], ["resume"], ["clear"], ["quiet"], ["stop"], ["dead", "delete"], ["front"], ["dev"],
        ] {
            let help = try await Program.run(command + ["--help"]).output.joined(separator: " ")
            #expect(!help.contains("--json"), "\(command) has no table")
        }
    }

    @Test("queues, peek, publish, cancel and dead")
    func queues() async throws {
        let tables = try JSONTables()
        try await OperatorBench.run { bench in
            try await bench.cli("FCALL", "tempest1_hello", "1", "mail", "w.1", "new")
            try await bench.cli("RPUSH", "mail", #"["strange",[1],null,"s"]"#)
            try await bench.cli("FCALL", "tempest1_claim", "1", "mail", "w.1", "1", "1", "1000", "default")
            try await bench.cli("FCALL", "tempest1_settle", "1", "mail", "w.1", "default.1", "unknown 60000 strange", "", "")
            try await bench.cli("RPUSH", "mail", #"["send",[1],null,"a"]"#, "rubbish")
            let rows = try await bench.json("queues", "mail", "--interval", "10ms")
            tables.check("queues", rows[0].asArray ?? [])
            tables.check("peek", try await bench.json("peek", "mail"))
            tables.check("publish", try await bench.json("publish", "news", "hello"))
            tables.check("cancel", try await bench.json("cancel", "a", "--queue", "mail"))
            let id = try await bench.bury(#"["send",[1],null,"a",{"attempt":25}]"#)
            try await bench.bury("rubbish", "bad_codec")
            let records = try await bench.json("dead", "list", "mail")
            tables.check("dead list", records)
            #expect(try await bench.json("dead", "show", "mail", id) == [records[1]])
        }
    }

    @Test("workers")
    func workers() async throws {
        let tables = try JSONTables()
        try await OperatorBench.run { bench in
            try await Program.runner(["demo-worker", "mail"], redis: bench.redis).run { _ in
                try await bench.tempest("push", "sleep", "60", "-q", "mail")
                try await eventually(within: .seconds(30), "its job is shown") {
                    try await bench.json("workers").first?["processes"]?[0]?["jobs"]?[0] != nil
                }
                tables.check("workers", try await bench.json("workers"))
            }
        }
    }

    @Test("supervise")
    func supervise() async throws {
        let script = #"echo '{"a":1}'; echo line; head -c 100000 /dev/zero | tr '\0' x; echo"#
        try await Supervision.run(["--json", "--name", "w", "--", "sh", "-c", script]) { run in
            _ = try await run.line(#""cut""#)
            #expect(try await run.terminate() == .exited(0))
            try JSONTables().check("supervise", try run.supervisor.output.map { try JSONCodec().value(Array($0.utf8)) })
        }
    }

    @Test("bench queue")
    func bench() async throws {
        let (status, output) = try await Program.run(["bench", "queue", "--jobs", "20000", "--runs", "1", "--json"])
        #expect(status == .exited(0), "\(output)")
        let start = try #require(output.firstIndex { $0.hasPrefix("{") })
        let document = output[start...].joined(separator: "\n")
        try JSONTables().check("bench queue", [try JSONCodec().value(Array(document.utf8))])
    }
}

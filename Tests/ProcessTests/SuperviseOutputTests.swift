import Foundation
import Tempest
import TempestTesting
import Testing

@Suite("What supervise writes, and how it ends")
struct SuperviseOutputTests {
    private let script = #"""
        import os, sys
        out, error = sys.stdout.buffer, sys.stderr.buffer
        out.write("grüß\n".encode() + b'{"level": "info", "n": 1}\n' + b"bad \xff byte\n" + b"x" * 200_000 + b"\n" + b"no end")
        error.write(b"trouble\n")
        """#

    private func plan(_ command: String, _ more: String = "") -> String {
        "workers:\n  - name: w\n    command: [\(command)]\n    restart: never\n" + more
    }

    @Test("People: lines with the worker's name, cut, repaired, the last one too")
    func people() async throws {
        try await Supervision.run(["--name", "w", "--", "/usr/bin/python3", "-c", script]) { run in
            // Two pipes: either may end first.
            for text in ["w.1     | no end", "w.1     | trouble"] { _ = try await run.line(text) }
            let lines = run.supervisor.output
            #expect(lines.contains("w.1     | grüß") && lines.contains("w.1     | bad \u{FFFD} byte"))
            #expect(lines.contains(#"w.1     | {"level": "info", "n": 1}"#))
            let long = try #require(lines.first { $0.contains("xxx") })
            #expect(long.hasSuffix("… (134464 more bytes were cut)") && long.utf8.count < 70_000)
            #expect(!lines.contains { $0.contains("\u{1B}") })
            _ = try await run.line("tempest | w.1 ended with status 0")
            #expect(try await run.terminate() == .exited(0))
        }
    }

    @Test("--json: an object a line")
    func json() async throws {
        try await Supervision.run(["--json", "--name", "w", "--", "/usr/bin/python3", "-c", script]) { run in
            let id = try await run.line("w.1 is started, process")
            for text in [#""line":"no end""#, #""line":"trouble""#] { _ = try await run.line(text) }
            _ = try await run.line("w.1 ended with status 0")
            #expect(try await run.terminate() == .exited(0))
            let values = try run.supervisor.output.map { try JSONCodec().value(Array($0.utf8)) }
            let ours = values.filter { $0["worker"] == "w.1" }
            let process = try #require(id.split(separator: #"""#).first { $0.contains("process ") }?.split(separator: " ").last)
            #expect(ours.contains { $0["line"] == "grüß" && $0["stream"] == "stdout" && $0["pid"] == Value(Int(process) ?? 0) })
            #expect(ours.contains { $0["message"]?["level"] == "info" && $0["line"] == nil })
            #expect(ours.contains { $0["line"] == "trouble" && $0["stream"] == "stderr" })
            #expect(ours.contains { $0["cut"] == 134_464 })
            #expect(values.contains { $0["worker"] == "tempest" })
        }
    }

    @Test("A flood that nobody reads stops no worker: lines are dropped and counted, and no memory grows")
    func flood() async throws {
        try await withPrivateRedis { server in
            try await withTemporaryDirectory { folder in
                // 20 MB, into a pipe whose other end nobody reads.
                let worker = #"yes "$0" | head -n 20000; touch done; exec sleep 600"#
                let line = String(repeating: "a line of some length ", count: 50)
                let script =
                    #"mkfifo pipe && exec 3<>pipe && exec "$0" supervise --name w -- sh -c "$1" "$2" >pipe"#
                let runner = ProcessRunner(
                    "sh", ["-c", script, try Program.path, worker, line], environment: ["REDIS_URL": server.url],
                    workingDirectory: folder)
                try await runner.run { supervisor in
                    try await eventually(within: .seconds(60), "the worker has written all of it") {
                        FileManager.default.fileExists(atPath: "\(folder)/done")
                    }
                    #expect(SystemProcess.resident(supervisor.processID) < 200_000_000)
                    let reader = open("\(folder)/pipe", O_RDONLY | O_NONBLOCK)
                    var text = Data()
                    var buffer = [UInt8](repeating: 0, count: 1 << 16)
                    try await eventually(within: .seconds(60), "it is said how much was dropped") {
                        let count = read(reader, &buffer, buffer.count)
                        if count > 0 { text.append(contentsOf: buffer.prefix(count)) }
                        return text.range(of: Data("lines were dropped: nobody read this output for".utf8)) != nil
                    }
                    close(reader)
                    try supervisor.send(.terminate)
                    #expect(try await supervisor.waitForExit() == .exited(0))
                }
            }
        }
    }

    @Test("It ends though nobody reads what it and its worker write")
    func unread() async throws {
        try await withPrivateRedis { server in
            try await withTemporaryDirectory { folder in
                let script = #"mkfifo pipe && exec 3<>pipe && exec "$0" supervise -- yes "$1" >pipe"#
                let runner = ProcessRunner(
                    "sh", ["-c", script, try Program.path, String(repeating: "x", count: 1000)],
                    environment: ["REDIS_URL": server.url], workingDirectory: folder)
                try await runner.run { supervisor in
                    var found: Int32?
                    try await eventually("the worker runs") {
                        // Not what the supervisor starts for a moment to learn what the system can do.
                        let children = try SystemProcess.children(of: supervisor.processID).values.joined()
                        found = children.first { SystemProcess.command($0) == "yes" }
                        return found != nil
                    }
                    let worker = try #require(found)
                    var quiet = 0
                    try await eventually(within: .seconds(60), "it waits for a reader, for some seconds") {
                        quiet = SystemProcess.state(worker) == "S" ? quiet + 1 : 0
                        return quiet >= 50
                    }
                    try supervisor.send(.terminate)
                    #expect(try await supervisor.waitForExit() == .exited(0))
                }
            }
        }
    }

    @Test(
        "When no worker is to be started again it ends, with status 0 if all ended well",
        arguments: [("true", 0), ("false", 1)] as [(String, Int32)])
    func done(_ program: String, _ status: Int32) async throws {
        try await Supervision.run([], plan: plan(program)) { run in
            let ended = try await run.supervisor.waitForExit()
            #expect(ended == .exited(status))
        }
    }

    @Test("The ready file is there while the workers are")
    func readyFile() async throws {
        try await withTemporaryDirectory { folder in
            try await Supervision.run(["--ready-file", "\(folder)/ready", "--", "%T", "demo-worker", "q"]) { run in
                try await eventually("it is written") { FileManager.default.fileExists(atPath: "\(folder)/ready") }
                #expect(try await run.registered().count == 1)
                #expect(try await run.terminate() == .exited(0))
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/ready"))
            }
        }
    }

    @Test("A worker gets its name, Redis and its group's variables")
    func environment() async throws {
        let plan = self.plan(
            #"sh, -c, 'echo "$TEMPEST_PROCESS $REDIS_URL $LEVEL $(pwd)"'"#,
            "    environment: {LEVEL: loud}\n    directory: /tmp\n")
        try await Supervision.run([], plan: plan) { run in
            let line = try await run.line("loud /tmp")
            #expect(line.contains(/\| w\.1\.[0-9a-z]{12} unix:\/\//))
            #expect(try await run.supervisor.waitForExit() == .exited(0))
        }
    }

    @Test(
        "The example runs workers in three languages, and they answer",
        .enabled(if: ["/usr/bin/python3", "/usr/bin/ruby"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }))
    func example() async throws {
        let text = try String(contentsOfFile: "\(Program.root)/examples/supervise/workers.yaml", encoding: .utf8)
        let plan = text.replacingOccurrences(of: ".build/release/tempest", with: "%T")
            .replacingOccurrences(of: " clients/", with: " \(Program.root)/clients/")
            // Those of the system have the packages that clients need, whatever else is on PATH.
            .replacingOccurrences(of: "[python3,", with: "[/usr/bin/python3,").replacingOccurrences(
                of: "[ruby,", with: "[/usr/bin/ruby,")
        try await Supervision.run([], plan: plan) { run in
            _ = try await run.line("ready: 4 workers")
            #expect(try await run.registered("tempest").count == 4)
            var languages: Set<String> = []
            try await eventually(within: .seconds(30), "each language answers") {
                let answer: Value = try await run.client.call("wordcount", "a b a", timeout: .seconds(10))
                if let language = answer["language"]?.asText { languages.insert(language) }
                return languages == ["swift", "python", "ruby"]
            }
            #expect(try await run.terminate() == .exited(0))
            #expect(try await run.registered("tempest").isEmpty)
        }
    }

    @Test(
        "What cannot be run is refused before anything is",
        arguments: [
            (["supervise"], "put a command after --"),
            (["supervise", "--", "no-such-program"], "there is no program no-such-program"),
            (["supervise", "/nonexistent.yaml"], "/nonexistent.yaml cannot be read"),
            (["supervise", "--count", "0", "--", "true"], "--count: 1 to 1000"),
            (["supervise", "--name", "a.b", "--", "true"], "--name: 1 to 40"),
            (["supervise", "plan.yaml", "--", "true"], "either a file or a command"),
        ])
    func refused(_ arguments: [String], _ message: String) async throws {
        let (status, output) = try await Program.run(arguments)
        #expect(status == .exited(64))
        #expect(output.contains { $0.contains(message) }, "\(output)")
    }
}

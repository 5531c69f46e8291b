import Foundation
import Tempest
import TempestTesting
import Testing

@Suite("One grammar for all commands")
struct GrammarTests {
    private static let commands = [
        [], ["demo"], ["dev"], ["push"], ["call"], ["publish"], ["queues"], ["peek"], ["pause"], ["resume"], ["clear"],
        ["cancel"],
        ["dead"], ["dead", "list"], ["dead", "show"], ["dead", "retry"], ["dead", "delete"], ["workers"], ["quiet"], ["stop"],
        ["supervise"], ["front"], ["transcode"], ["bench"], ["bench", "codecs"], ["bench", "queue"], ["bench", "call"],
        ["bench", "wake"], ["bench", "front"],
    ]

    private func help(_ command: [String], columns: Int) async throws -> [String] {
        let runner = ProcessRunner(try Program.path, command + ["--help"], environment: ["COLUMNS": String(columns)])
        let (status, output) = try await runner.run { child in (try await child.waitForExit(), child.output) }
        #expect(status == .exited(0))
        return output
    }

    @Test("Examples in --help are printed as they are on a terminal of 80 columns", arguments: commands)
    func examples(_ command: [String]) async throws {
        let narrow = try await help(command, columns: 80)
        let wide = try await help(command, columns: 500).prefix { !$0.hasPrefix("USAGE:") }
        for line in wide where line.hasPrefix("  ") { #expect(narrow.contains(line), "\(line)") }
    }

    @Test("The files in the help of supervise and front can be copied")
    func files() async throws {
        func file(_ command: String, after title: String) async throws -> (TempestTesting.ExitStatus, String) {
            let lines = try await help([command], columns: 80).drop { $0 != title }.dropFirst().prefix { !$0.isEmpty }
            #expect(lines.count > 10)
            return try await withTemporaryDirectory { folder in
                try Data(lines.map { $0.dropFirst(2) }.joined(separator: "\n").utf8).write(
                    to: URL(fileURLWithPath: "\(folder)/file.yaml"))
                let words = command == "front" ? ["front", "--check"] : [command]
                let (status, output) = try await Program.run(words + ["\(folder)/file.yaml"])
                return (status, output.joined(separator: "\n"))
            }
        }
        // What is not there on this machine is the first thing that is wrong with them.
        let (status, plan) = try await file("supervise", after: "A FILE")
        #expect(status == .exited(64) && plan.contains("web: there is no directory /srv/app"), "\(plan)")
        let (_, front) = try await file("front", after: "FILE")
        #expect(front.contains("cert.pem"), "\(front)")
    }

    @Test("push and call take what JobOptions have")
    func options() async throws {
        try await OperatorBench.run { bench in
            let pushed = try await bench.tempest(
                "push", "send", "-q", "mail", "--attempts", "5", "--backoff", "2s,10m", "--expires", "1d", "--run-timeout", "1m",
                "--once")
            #expect(pushed.status == .exited(0), "\(pushed.output)")
            let meta = try await bench.json("peek", "mail")[0]["meta"]
            #expect(meta?["attempts"] == 5 && meta?["backoff"] == [2000, 600_000] && meta?["timeout"] == 60_000)
            #expect(meta?["once"] == true && (meta?["expires_at"]?.asInt ?? 0) > 1_700_000_000_000)
            let called = try await bench.tempest(
                "call", "send", "-q", "news", "--attempts", "2", "--backoff", "1", "--timeout", "2s")
            #expect(called.status == .exited(1) && called.output.joined().contains("timed out"), "\(called.output)")
            let second = try await bench.json("peek", "news")[0]["meta"]
            #expect(second?["attempts"] == 2 && second?["backoff"] == [1000, 1000])
        }
    }

    @Test(
        "What is wrong with options and arguments is said before anything is done: status 64",
        arguments: [
            (["push", ""], "no action"), (["push", "x", "-q", "a b"], "no queue name"),
            (["push", "x", "--level", "1"], "no level"),
            (["push", "x", "--attempts", "0"], "--attempts: 1 to 1000000"), (["push", "x", "--backoff", "10m,2s"], "--backoff"),
            (["push", "x", "--backoff", "1s,2s,3s"], "--backoff"), (["push", "x", "--expires", "0"], "--expires: 1ms to 365d"),
            (["call", "x", "--run-timeout", "366d"], "--run-timeout: 1ms to 365d"),
            (["call", "x", "--timeout", "0"], "--timeout"),
            (["push", "x", "--codec", "xml"], "no codec"), (["queues", "a b"], "no queue name"),
            (["peek", "a b"], "no queue name"),
            (["peek", "a", "--limit", "0"], "--limit: 1 to 1000"), (["pause", "a", "--level", "1"], "no level"),
            (["resume", "a b"], "no queue name"), (["clear", "a b"], "no queue name"),
            (["cancel", "1", "-q", "a b"], "no queue name"),
            (["clear", "a", "--delayed", "--level", "low"], "--delayed goes with the whole queue"),
            (["dead", "list", "a b"], "no queue name"), (["dead", "retry", "a b", "--all"], "no queue name"),
            (["queues", "--interval", "2h"], "--interval: 1ms to 1h"),
            (["push", "x", "--at", "2027-02-30T00:00:00Z"], "--at"), (["push", "x", "--at", "2027-02-29T00:00:00Z"], "--at"),
            (["push", "x", "--at", "2027-13-01T00:00:00Z"], "--at"), (["push", "x", "--at", "2027-01-01T24:00:00Z"], "--at"),
            (["push", "x", "--at", "2027-01-01T00:60:00Z"], "--at"),
            (["push", "x", "--at", "2027-01-01T00:00:00+24:00"], "--at"),
            (["dead", "list", "a", "--since", "2026-04-31T00:00:00Z"], "--since"),
        ])
    func refused(_ arguments: [String], _ message: String) async throws {
        let (status, output) = try await Program.run(arguments + ["--redis", "redis://127.0.0.1:1"])
        #expect(status == .exited(64) && output.joined(separator: "\n").contains(message), "\(output)")
    }

    @Test("Instants that are on the calendar are taken")
    func instants() async throws {
        try await OperatorBench.run { bench in
            for (text, due) in [
                ("2100-02-28T00:00:00Z", "4107456000000"), ("2104-02-29T00:00:00Z", "4233686400000"),
                ("2100-12-31T23:59:59.5+01:00", "4133977199500"),
            ] {
                #expect(try await bench.tempest("push", "x", "-q", "mail", "--at", text).status == .exited(0))
                #expect(try await bench.cli("ZRANGE", "{mail}:!delayed", "-1", "-1", "WITHSCORES").last == due, "\(text)")
                try await bench.cli("DEL", "{mail}:!delayed")
            }
        }
    }

    @Test("An argument that is not UTF-8 is refused, and nothing is pushed")
    func bytes() async throws {
        try await OperatorBench.run { bench in
            let script = #"exec "$0" push send "$(printf 'caf\351')" -q mail"#
            let (status, output) = try await ProcessRunner(
                "sh", ["-c", script, try Program.path], environment: ["REDIS_URL": bench.redis.url]
            ).run { child in (try await child.waitForExit(), child.output.joined(separator: "\n")) }
            #expect(status == .exited(64) && output.contains("argument 3, caf\u{FFFD}, is not UTF-8"), "\(output)")
            #expect(try await bench.cli("EXISTS", "mail") == ["0"])
        }
    }

    @Test("pause, resume, peek and clear take --level several times; the old ways are still taken")
    func levels() async throws {
        try await OperatorBench.run { bench in
            for level in ["high", "default", "low"] { try await bench.tempest("push", "x", "-q", "mail", "-l", level) }
            #expect(try await bench.tempest("pause", "mail", "--level", "low", "-l", "high").output == ["Paused."])
            #expect(try await bench.cli("SMEMBERS", "{mail}:!paused").sorted() == ["high", "low"])
            #expect(try await bench.tempest("resume", "mail", "low").output == ["Resumed."])
            #expect(try await bench.tempest("pause", "mail", "default").output == ["Paused."])
            #expect(try await bench.cli("SMEMBERS", "{mail}:!paused").sorted() == ["default", "high"])
            let seen = try await bench.json("peek", "mail", "--level", "low", "--level", "high", "--count", "5")
            #expect(seen.map { $0["level"] } == ["low", "high"])
            let cleared = try await bench.tempest("clear", "mail", "--level", "low", "--level", "default", "--yes")
            #expect(cleared.output == ["Deleted 2."])
            #expect(try await bench.cli("LLEN", "{mail}:high") == ["1"])
        }
    }

    @Test("clear deletes what was put aside, says what it leaves, and a queue that is empty is known no more")
    func clear() async throws {
        try await OperatorBench.run { bench in
            try await bench.cli("FCALL", "tempest1_hello", "1", "mail", "w.1", "new")
            try await bench.cli("RPUSH", "mail", #"["strange",[],null,"s"]"#)
            try await bench.cli("FCALL", "tempest1_claim", "1", "mail", "w.1", "1", "1", "1000", "default")
            try await bench.cli("FCALL", "tempest1_settle", "1", "mail", "w.1", "default.1", "unknown 60000 strange", "", "")
            try await bench.cli("RPUSH", "{mail}:!suspect", "low:y")
            try await bench.tempest("push", "x", "-q", "mail")
            try await bench.tempest("push", "x", "-q", "mail", "--after", "1h")
            let id = try await bench.bury("rubbish")
            let unasked = try await bench.tempest("clear", "mail")
            #expect(unasked.status == .exited(1) && unasked.output.joined().contains("Delete 3 jobs waiting in queue mail?"))
            let low = try await bench.tempest("clear", "mail", "--level", "low", "--yes")
            #expect(low.output == ["Deleted 1. Left: 1 delayed, 1 dead (tempest dead delete mail --all)."], "\(low.output)")
            let all = try await bench.tempest("clear", "mail", "--yes")
            #expect(
                all.output == ["Deleted 2. Left: 1 delayed (--delayed), 1 dead (tempest dead delete mail --all)."],
                "\(all.output)")
            #expect(try await bench.cli("--scan", "--pattern", "{mail}:!unknown*") == [])
            #expect(try await bench.cli("EXISTS", "{mail}:!known", "{mail}:!suspect", "mail") == ["0"])
            let nothing = try await bench.tempest("clear", "mail", "--yes")
            #expect(nothing.status == .exited(0) && nothing.output.joined().hasPrefix("Nothing waits. Left: 1 delayed"))
            #expect(try await bench.tempest("dead", "delete", "mail", id).status == .exited(0))
            try await bench.cli("FCALL", "tempest1_goodbye", "1", "mail", "w.1")
            #expect(try await bench.cli("SISMEMBER", "tempest:queues", "mail") == ["1"])
            #expect(try await bench.tempest("clear", "mail", "--delayed", "--yes").output == ["Deleted 1."])
            #expect(try await bench.cli("SISMEMBER", "tempest:queues", "mail") == ["0"])
        }
    }

    @Test("dev says that its port is taken, and what to do")
    func taken() async throws {
        try await withPrivateRedis(.init(tcp: true)) { redis in
            let port = try #require(redis.tcpURL?.split(separator: ":").last)
            let (status, output) = try await Program.run(["dev", "--port", String(port)])
            #expect(status == .exited(1) && output.count == 1, "\(output)")
            #expect(
                output.joined().contains(
                    "cannot listen on 127.0.0.1:\(port): another process listens there. Stop it, or choose another port with --port"
                ))
        }
    }

    @Test("Completion scripts are made", arguments: ["bash", "zsh", "fish"])
    func completion(_ shell: String) async throws {
        let (status, output) = try await Program.run(["--generate-completion-script", shell])
        #expect(status == .exited(0) && output.contains { $0.contains("supervise") })
    }
}

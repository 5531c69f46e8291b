import Foundation
import Tempest
import TempestProtocol
import TempestTesting
import Testing

/// A Redis in which tests write by hand what workers in other languages would write.
struct OperatorBench {
    let redis: PrivateRedis

    static func run(_ body: (OperatorBench) async throws -> Void) async throws {
        try await withPrivateRedis { redis in
            let bench = OperatorBench(redis: redis)
            try await bench.cli("FUNCTION", "LOAD", "REPLACE", String(decoding: FunctionLibrary.source, as: UTF8.self))
            try await body(bench)
        }
    }

    @discardableResult
    func cli(_ words: String...) async throws -> [String] {
        try await ProcessRunner("redis-cli", ["-s", redis.socketPath] + words).run { child in
            let status = try await child.waitForExit()
            #expect(status == .exited(0), "\(child.output)")
            return child.output
        }
    }

    /// The program's status and lines, standard error among them.
    @discardableResult
    func tempest(_ words: String...) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
        try await Program.run(words, redis: redis)
    }

    /// The lines of a command that prints JSON.
    func json(_ words: String...) async throws -> [Value] {
        let (status, output) = try await Program.run(words + ["--json"], redis: redis)
        #expect(status == .exited(0), "\(output)")
        return try output.map { try JSONCodec().value(Array($0.utf8)) }
    }

    /// Writes a dead record as the functions do.
    @discardableResult
    func bury(
        _ job: String, _ reason: String = "exhausted", detail: String = "it failed", by: String = "w.1"
    ) async throws -> String {
        let id = try await cli(
            "XADD", "{mail}:!dead", "*", "job", job, "level", "default", "reason", reason, "detail", detail, "by", by, "tries",
            "1")
        return id.first ?? ""
    }
}

@Suite("The program for operators")
struct OperatorTests {
    @Test("dead list shows what is asked for as a table and as JSON, with nothing in it that a terminal obeys")
    func list() async throws {
        try await OperatorBench.run { bench in
            #expect(try await bench.tempest("dead", "mail").output == ["Nothing is dead."])
            let first = try await bench.bury(#"["send",[1],null,"a",{"attempt":25}]"#, detail: "no\u{1b}[2J host\u{202E}\u{7f}")
            let second = try await bench.bury("rubbish", "bad_codec", by: "x.2")
            let (status, lines) = try await bench.tempest("dead", "mail")
            #expect(status == .exited(0) && lines.count == 3 && lines[0].hasPrefix("ID"))
            #expect(lines[1].hasPrefix(second) && lines[1].contains("bad_codec") && lines[2].contains("25"))
            #expect(lines[2].hasSuffix(#"w.1  no\u{1B}[2J host\u{202E}\u{7F}"#), "\(lines[2])")
            let records = try await bench.json("dead", "list", "mail")
            #expect(records.map { $0["id"] } == [.text(second), .text(first)])
            #expect(records[1]["job_id"] == "a" && records[1]["meta"] == ["attempt": 25] && records[1]["crashes"] == 1)
            #expect(records[1]["detail"] == "no\u{1b}[2J host\u{202E}\u{7f}" && records[0]["payload"] == "rubbish")
            #expect(try await bench.json("dead", "list", "mail", "--reason", "bad_codec").count == 1)
            #expect(try await bench.json("dead", "list", "mail", "--action", "send", "--since", "1h").count == 1)
            #expect(try await bench.json("dead", "list", "mail", "--before", "1h").isEmpty)
            #expect(try await bench.json("dead", "list", "mail", "--by", "x").map { $0["id"] } == [.text(second)])
            let more = try await bench.tempest("dead", "list", "mail", "--limit", "1").output
            #expect(more.count == 3 && more[2].hasPrefix("There are more"))
            #expect(try await bench.tempest("dead", "list", "mail", "--since", "yesterday").status == .exited(64))
        }
    }

    @Test("dead show shows a job of any codec as JSON, and its exact bytes with --raw")
    func show() async throws {
        try await OperatorBench.run { bench in
            let payload = "26:4:send,4:1:1#]0:~4:the1,}"
            let tnetstring = try String(
                decoding: TNetstringCodec().encode(["send", [["to": "a"]], nil, "the-id"] as Value), as: UTF8.self)
            #expect(tnetstring != payload)
            let id = try await bench.bury(tnetstring)
            let page = try await bench.tempest("dead", "show", "mail", id)
            #expect(page.status == .exited(0))
            let text = page.output.joined(separator: "\n")
            #expect(text.contains("job id:   the-id") && text.contains("payload (tnetstring, \(tnetstring.utf8.count) bytes):"))
            let document = try #require(text.range(of: "bytes):\n"))
            let value = try JSONCodec().value(Array(text[document.upperBound...].utf8))
            #expect(value == ["send", [["to": "a"]], nil, "the-id"])
            #expect(try await bench.tempest("dead", "show", "mail", id, "--raw").output == [tnetstring])
            #expect(try await bench.json("dead", "show", "mail", id).first?["payload"] == .text(tnetstring))
            let missing = try await bench.tempest("dead", "show", "mail", "1-1")
            #expect(missing.status == .exited(1) && missing.output.joined().contains("no dead job 1-1"))
            #expect(try await bench.tempest("dead", "show", "mail", "first").status == .exited(64))
        }
    }

    @Test("dead retry puts back what is named, says what it could not, and wants --yes for more than one")
    func retry() async throws {
        try await OperatorBench.run { bench in
            let a = try await bench.bury(#"["send",[],null,"a",{"attempt":2,"last_error":"x"}]"#)
            let b = try await bench.bury(#"["send",[],null,"b"]"#)
            let c = try await bench.bury("rubbish", "bad_codec")
            let unasked = try await bench.tempest("dead", "retry", "mail", "--all")
            #expect(unasked.status == .exited(1) && unasked.output.joined().contains("--yes"))
            #expect(try await bench.tempest("dead", "retry", "mail").status == .exited(64))
            #expect(try await bench.tempest("dead", "retry", "mail", a, "--all").status == .exited(64))
            #expect(try await bench.tempest("dead", "retry", "mail", a, "--reason", "x").status == .exited(64))
            #expect(try await bench.cli("LLEN", "mail") == ["0"])
            #expect(try await bench.tempest("dead", "retry", "mail", a).output == ["Retried 1."])
            let again = try await bench.tempest("dead", "retry", "mail", a)
            #expect(again.status == .exited(1) && again.output.contains("\(a): there is no such record"))
            let rest = try await bench.tempest("dead", "retry", "mail", "--all", "--yes")
            #expect(rest.status == .exited(1) && rest.output.contains("Retried 1."))
            #expect(rest.output.contains { $0.hasPrefix("\(c) stays dead") && $0.contains("--force") })
            #expect(
                try await bench.cli("LRANGE", "mail", "0", "-1") == [#"["send",[],null,"a"]"#, #"["send",[],null,"b"]"#], "\(b)")
            #expect(try await bench.tempest("dead", "retry", "mail", c, "--force").status == .exited(0))
            #expect(try await bench.cli("LINDEX", "mail", "-1") == ["rubbish"])
        }
    }

    @Test("dead delete deletes what is named, or all that filters let through; on a terminal it asks")
    func delete() async throws {
        try await OperatorBench.run { bench in
            var ids: [String] = []
            for number in 0..<4 { ids.append(try await bench.bury("rubbish", number == 0 ? "poison" : "bad_codec")) }
            let one = try await bench.tempest("dead", "delete", "mail", ids[1], "1-1", "--yes")
            #expect(one.status == .exited(1) && one.output.contains("Deleted 1."))
            #expect(one.output.contains("1-1: there is no such record"))
            let command = "\(try Program.path) dead delete mail --all"
            let asked = try await ProcessRunner(
                "sh", ["-c", #"echo n | script -qec "$0" /dev/null"#, command], environment: ["REDIS_URL": bench.redis.url]
            ).run { child in (try await child.waitForExit(), child.output.joined()) }
            #expect(asked.0 == .exited(1) && asked.1.contains("Delete 3 dead jobs of queue mail? [y/N]"), "\(asked.1)")
            #expect(asked.1.contains("Nothing was deleted."))
            let some = try await bench.tempest("dead", "delete", "mail", "--all", "--reason", "bad_codec", "--yes")
            #expect(some.status == .exited(0) && some.output == ["Deleted 2."])
            #expect(try await bench.json("dead", "mail").map { $0["id"] } == [.text(ids[0])])
        }
    }

    @Test("cancel reaches every queue that is known, or the one that is named, and says whether somebody listened")
    func cancel() async throws {
        try await OperatorBench.run { bench in
            let nowhere = try await bench.tempest("cancel", "a")
            #expect(nowhere.status == .exited(1) && nowhere.output.joined().contains("--queue"))
            try await bench.cli("SADD", "tempest:queues", "mail", "news")
            let all = try await bench.tempest("cancel", "a", "17")
            #expect(all.status == .exited(0) && all.output.count == 2)
            #expect(all.output[1].hasPrefix("17: is not to run in 2 queues, remembered for 7d; no worker listened"))
            #expect(try await bench.cli("ZRANGE", "{news}:!cancelled", "0", "-1").sorted() == ["17", "a"])
            let named = try await bench.json("cancel", "b", "--queue", "mail", "--for", "2h")
            #expect(named == [["job_id": "b", "queues": ["mail"], "heard": 0, "for": 7_200_000]])
            #expect(try await bench.cli("ZRANGE", "{news}:!cancelled", "0", "-1").sorted() == ["17", "a"])
            #expect(try await bench.tempest("cancel", "a", "--for", "31d").status == .exited(64))
            #expect(try await bench.tempest("cancel", "a", "--for", "soon").status == .exited(64))
        }
    }

    @Test("push --after and --at delay a job; queues counts it")
    func delayed() async throws {
        try await OperatorBench.run { bench in
            #expect(try await bench.tempest("push", "x", "-q", "mail", "--after", "2h").status == .exited(0))
            #expect(try await bench.tempest("push", "x", "-q", "mail", "--at", "2100-01-01T00:00:00Z").status == .exited(0))
            #expect(try await bench.tempest("push", "x", "-q", "mail", "--at", "1000000000000").status == .exited(0))
            #expect(try await bench.tempest("push", "x", "--at", "tomorrow").status == .exited(64))
            #expect(try await bench.tempest("push", "x", "--at", "1764000000000", "--after", "1s").status == .exited(64))
            try await bench.cli("RPUSH", "{mail}:!suspect", "default:y")
            let row = try await bench.json("queues", "mail", "--interval", "0.1")[0][0]
            #expect(row?["delayed"] == 2 && row?["suspects"] == 1 && row?["waiting"] == 1)
            #expect(try await bench.cli("ZRANGE", "{mail}:!delayed", "-1", "-1", "WITHSCORES").last == "4102444800000")
        }
    }

    @Test("A job of push --once whose worker is killed is dead as interrupted; call --once is told; dead retry runs it again")
    func once() async throws {
        try await OperatorBench.run { bench in
            func row() async throws -> Value? { try await bench.json("queues", "mail", "--interval", "0.1")[0][0] }
            try await Program.runner(["demo-worker", "mail", "--lease", "0.5"], redis: bench.redis).run { worker in
                let call = Task { try await bench.tempest("call", "sleep", "60", "-q", "mail", "--once").output }
                #expect(try await bench.tempest("push", "sleep", "60", "-q", "mail", "--once").status == .exited(0))
                try await eventually("both run") { try await row()?["running"] == 2 }
                try worker.send(.kill)
                _ = try await worker.waitForExit()
                try await Program.runner(["demo-worker", "mail"], redis: bench.redis).run { _ in
                    let said = try await call.value
                    #expect(said.contains { $0.contains("interrupted") && $0.contains("may have been carried out") }, "\(said)")
                    let lines = try await bench.tempest("dead", "list", "mail").output
                    #expect(lines.count { $0.contains("interrupted") && $0.contains("sleep") } == 2, "\(lines)")
                    #expect(try await row()?["running"] == 0)
                    #expect(try await bench.tempest("dead", "retry", "mail", "--all", "--yes").status == .exited(0))
                    try await eventually("they run") { try await row()?["running"] == 2 }
                }
            }
        }
    }
}

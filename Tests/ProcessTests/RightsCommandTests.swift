import Foundation
import Tempest
import TempestTesting
import Testing

@Suite("The program with exactly the rights that protocol/queues.md lists", .timeLimit(.minutes(3)))
struct RightsCommandTests {
    /// Runs it as a user, to its end.
    private static func run(_ words: [String], _ url: String, status: Int32 = 0) async throws -> [String] {
        let (found, output) = try await Program.run(words, url: url)
        #expect(found == .exited(status), "\(words): \(output)")
        return output
    }

    @Test("serves operators with every command, and a demo worker; nothing is refused")
    func operators() async throws {
        try await OperatorBench.run { bench in
            let (redis, queues) = (bench.redis, ["mail"])
            let boss = try await redis.user("operator", queues: queues)
            func tempest(_ words: String...) async throws -> [String] { try await Self.run(words, boss) }
            let worker = try await redis.user("worker", queues: queues)
            try await Program.runner(["demo-worker", "mail"], redis: nil, url: worker).run { child in
                try await eventually(within: .seconds(30), "it is listed") {
                    try await tempest("workers", "--json").joined().contains(#""state":"running""#)
                }
                #expect(try await tempest("queues").joined().contains("mail"))
                #expect(try await tempest("pause", "mail", "low") == ["Paused."])
                _ = try await tempest("pause", "mail")
                let id = try #require(try await bench.tempest("push", "sleep", "1", "-q", "mail").output.first)
                _ = try await bench.tempest("push", "sleep", "60", "-q", "mail", "--after", "1h")
                _ = try await bench.tempest("push", "sleep", "60", "-q", "mail", "--level", "low")
                #expect(try await tempest("peek", "mail").count == 2)
                #expect(try await tempest("queues", "mail", "--json", "--interval", "0.1").isEmpty == false)
                _ = try await tempest("cancel", id)
                #expect(try await tempest("clear", "mail", "--level", "low", "--yes").joined().hasPrefix("Deleted 1."))
                _ = try await tempest("resume", "mail")
                _ = try await tempest("resume", "mail", "low")
                try await eventually(within: .seconds(30), "it was skipped") {
                    try await bench.cli("HGET", "{mail}:!counts", "cancelled") == ["1"]
                }
                let running = try #require(try await bench.tempest("push", "sleep", "120", "-q", "mail").output.first)
                try await eventually(within: .seconds(30), "it runs") {
                    try await tempest("workers", "--json", "--jobs").joined().contains(running)
                }
                #expect(try await tempest("cancel", running, "-q", "mail").joined().contains("1 running worker was told"))
                try await Self.dead(bench, boss)
                // A worker that is gone, whose record is taken away.
                let record = #"{"id":"n2","name":"n2","queues":{"mail":"gone.1"},"started":5}"#
                try await bench.cli("HSET", "tempest:nodes", "n2", record)
                #expect(try await tempest("workers").joined().contains("Taken away: 1 record"))
                #expect(try await tempest("quiet", "--all").last?.hasSuffix("is quiet.") == true)
                _ = try await tempest("stop", "--all")
                #expect(try await child.waitForExit(within: .seconds(30)) == .exited(0))
            }
            #expect(try await redis.denials() == [])
        }
    }

    private static func dead(_ bench: OperatorBench, _ boss: String) async throws {
        let first = try await bench.bury(#"["sleep",[0],null,"a",{"attempt":2,"last_error":"x"}]"#)
        let second = try await bench.bury("rubbish", "bad_codec")
        #expect(try await run(["dead", "list", "mail"], boss).count == 3)
        #expect(try await run(["dead", "show", "mail", first], boss).isEmpty == false)
        #expect(try await run(["dead", "retry", "mail", first], boss) == ["Retried 1."])
        #expect(try await run(["dead", "retry", "mail", "--all", "--yes"], boss, status: 1).contains("Retried 0."))
        #expect(try await run(["dead", "delete", "mail", second, "--yes"], boss) == ["Deleted 1."])
    }

    @Test("serves producers, callers and publishers; what makes a queue known for people is left out where it is not allowed")
    func clients() async throws {
        try await OperatorBench.run { bench in
            let redis = bench.redis
            let producer = try await redis.user("producer", queues: ["mail"])
            let caller = try await redis.user("caller", queues: ["mail"])
            let publisher = try await redis.user("publisher of events", name: "publisher")
            #expect(try await Self.run(["push", "add", "1", "2", "-q", "mail"], producer).count == 1)
            try await Program.runner(["demo-worker", "mail"], redis: redis).run { _ in
                let answer = try await Self.run(["call", "echo", "3", "-q", "mail"], caller)
                #expect(answer.joined().contains("3"))
            }
            _ = try await Self.run(["publish", "news", "hello"], publisher)
            let known = Set([
                "producer command fcall", "producer command sadd", "caller key tempest:queues", "caller command smembers",
            ])
            let refused = Set(try await redis.denials())
            #expect(refused.isSubset(of: known), "\(refused)")
        }
    }

    @Test("says which right is missing, and exits with 1")
    func missing() async throws {
        try await OperatorBench.run { bench in
            let producer = try await bench.redis.user("producer", name: "bob", queues: ["mail"])
            for (words, says) in [
                (["queues", "mail"], #"the Redis user "bob" may not run "fcall": see "Rights" in protocol/queues.md"#),
                (["push", "x", "-q", "other"], #"the Redis user "bob" may not use a key of this command"#),
                (["workers"], #"the Redis user "bob" may not run "hgetall""#),
            ] {
                let output = try await Self.run(words, producer, status: 1).joined(separator: "\n")
                #expect(output.contains(says), "\(output)")
            }
            let worker = try await Self.run(["demo-worker", "mail"], producer, status: 1).joined(separator: "\n")
            #expect(worker.contains(#"the Redis user "bob" may not run "fcall""#), "\(worker)")
        }
    }
}

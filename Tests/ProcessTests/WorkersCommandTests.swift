import Foundation
import Tempest
import TempestTesting
import Testing

@Suite("The program and its workers")
struct WorkersCommandTests {
    @Test("workers shows records that cannot be read, those that are gone, and processes without one; old ones that are gone go")
    func foreign() async throws {
        try await OperatorBench.run { bench in
            #expect(try await bench.tempest("workers").output == ["No workers."])
            try await bench.cli("FCALL", "tempest1_hello", "1", "mail", "w.1", "new")
            try await bench.cli("FCALL", "tempest1_hello", "1", "mail", "raw.1", "new")
            try await bench.cli("SADD", "tempest:queues", "mail")
            try await bench.cli(
                "FCALL", "tempest1_tick", "1", "mail", "w.1", #"{"running":[["j","send","low",5]],"count":2}"#, "low")
            try await bench.cli(
                "HSET", "tempest:nodes", "n1",
                #"{"id":"n1","name":"mailer","kind":"worker","language":"ruby","version":"1.2","host":"h","pid":7,"concurrency":5,"queues":{"mail":"w.1"}}"#,
                "n2", #"{"id":"n2","queues":{"mail":"gone.1"},"started":5}"#, "n3\u{1b}[2J", "{")
            let (status, lines) = try await bench.tempest("workers", "--jobs", "--keep")
            #expect(status == .exited(0) && lines.count == 7, "\(lines)")
            #expect(lines[1].contains("mailer  n1") && lines[1].contains("worker/ruby") && lines[1].contains("h:7"))
            #expect(lines[1].contains("running") && lines[1].hasSuffix("2/5"))
            #expect(lines[2].hasPrefix("    j  send  mail low  ") && lines[3] == "    mail: and 1 more")
            #expect(lines[4].contains("n2") && lines[4].contains("gone"))
            #expect(lines[5].contains(#"n3\u{1B}[2J"#) && lines[5].contains("broken"))
            #expect(lines[6].hasPrefix("?") && lines[6].contains("raw.1"))
            #expect(try await bench.cli("HLEN", "tempest:nodes") == ["3"])
            let nodes = try await bench.json("workers")
            #expect(nodes.map { $0["state"] } == ["running", "gone", "broken", "?"])
            #expect(nodes[0]["processes"]?[0]?["jobs"]?[0] == ["job_id": "j", "action": "send", "level": "low", "started": 5])
            #expect(Set(try await bench.cli("HKEYS", "tempest:nodes")).count == 2)
        }
    }

    @Test("quiet and stop refuse names that nobody or several bear, and name those that are known")
    func names() async throws {
        try await OperatorBench.run { bench in
            let nobody = try await bench.tempest("quiet", "--all")
            #expect(nobody.status == .exited(1) && nobody.output.joined().contains("no worker is known"))
            for number in 1...2 {
                try await bench.cli("FCALL", "tempest1_hello", "1", "mail", "w.\(number)", "new")
                try await bench.cli(
                    "HSET", "tempest:nodes", "n\(number)", #"{"id":"n\#(number)","name":"twin","queues":{"mail":"w.\#(number)"}}"#
                )
            }
            let unknown = try await bench.tempest("stop", "nope")
            #expect(unknown.status == .exited(1))
            #expect(unknown.output.joined().contains("Known are: twin (n1), twin (n2)."), "\(unknown.output)")
            let twins = try await bench.tempest("stop", "twin")
            #expect(twins.status == .exited(1) && twins.output.joined().contains("2 workers are called"))
            #expect(try await bench.tempest("stop").status == .exited(64))
            #expect(try await bench.tempest("stop", "n1", "--all").status == .exited(64))
            // They are records without a worker behind them: nobody obeys.
            let deaf = try await bench.tempest("quiet", "n1", "--wait", "200ms")
            #expect(deaf.status == .exited(1) && deaf.output.joined().contains("not quiet within 200ms: twin (n1)"))
            #expect(deaf.output.joined().contains("Nobody listens"))
            #expect(try await bench.tempest("quiet", "n1", "--wait", "0").status == .exited(1))
        }
    }

    @Test("A real worker is listed with what it runs, becomes quiet, is told of a cancelled job, and stops")
    func real() async throws {
        try await OperatorBench.run { bench in
            try await Program.runner(["demo-worker", "mail"], redis: bench.redis).run { worker in
                try await eventually(within: .seconds(30), "it is listed") {
                    try await bench.json("workers").first?["state"] == "running"
                }
                let id = try #require(try await bench.tempest("push", "sleep", "120", "-q", "mail").output.first)
                try await eventually(within: .seconds(30), "its job is shown") {
                    try await bench.json("workers")[0]["processes"]?[0]?["jobs"]?[0]?["job_id"] == .text(id)
                }
                let cancelled = try await bench.tempest("cancel", id)
                #expect(cancelled.output.joined().contains("1 running worker was told"), "\(cancelled.output)")
                try await eventually(within: .seconds(30), "its job has ended") {
                    try await bench.json("workers")[0]["processes"]?[0]?["held"] == 0
                }
                let node = try #require(try await bench.json("workers")[0]["id"]?.asText)
                let quiet = try await bench.tempest("quiet", node)
                #expect(quiet.status == .exited(0) && quiet.output.joined().hasSuffix("is quiet."), "\(quiet.output)")
                #expect(try await bench.json("workers")[0]["state"] == "quiet")
                let stopped = try await bench.tempest("stop", "--all")
                #expect(stopped.status == .exited(0), "\(stopped.output)")
                #expect(try await worker.waitForExit() == .exited(0))
                #expect(try await bench.json("workers").isEmpty)
            }
        }
    }
}

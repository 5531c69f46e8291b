import Foundation
import TempestCodecs
import TempestTesting
import Testing

/// Small runs of what measures queues: that they work and say what they found, not what they find.
@Suite("bench queue, call and wake")
struct LoadTests {
    private func report(_ words: String..., redis: PrivateRedis) async throws -> Value {
        try await withTemporaryDirectory { folder in
            let script = #"exec "$@" >"\#(folder)/output" 2>"\#(folder)/error" </dev/null"#
            let runner = ProcessRunner(
                "sh", ["-c", script, "sh", try Program.path, "bench"] + words + ["--runs", "1", "--json", "--redis", redis.url],
                workingDirectory: Program.root)
            let status = try await runner.run { try await $0.waitForExit(within: .seconds(60)) }
            let error = try String(contentsOfFile: "\(folder)/error", encoding: .utf8)
            #expect(status == .exited(0), "\(error)")
            return try JSONCodec().value(Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/output"))))
        }
    }

    /// The median of a figure.
    private func figure(_ report: Value, _ group: String, _ name: String) -> Double {
        let found = report["figures"]?.asArray?.first { $0["group"]?.asText == group && $0["name"]?.asText == name }
        return found?["median"]?.asDouble ?? 0
    }

    private func keys(_ redis: PrivateRedis) async throws -> [String] {
        try await ProcessRunner("redis-cli", ["-s", redis.socketPath, "KEYS", "*"]).run { child in
            try await child.waitForExit()
            return child.output.filter { !$0.isEmpty }
        }
    }

    @Test("bench queue pushes, drains and compares with the limit, and leaves no key behind")
    func queue() async throws {
        try await withPrivateRedis { redis in
            let report = try await report(
                "queue", "--jobs", "3000", "--levels", "2", "--concurrency", "20", "--processes", "2", redis: redis)
            for (group, name) in [
                ("enqueue", "one at a time"), ("enqueue", "64 in flight"), ("enqueue", "1,000 at once"), ("drain", "settled"),
                ("drain", "worker's peak memory"), ("limit", "bare loop, same functions"), ("limit", "drain / bare loop"),
            ] {
                #expect(figure(report, group, name) > 0, "\(group), \(name)")
            }
            #expect(report["settings"]?["levels"] == 2 && report["versions"]?["Redis"] != nil)
            #expect(try await keys(redis) == [])
        }
    }

    @Test("bench call waits for answers one by one and together, beside bare loops")
    func call() async throws {
        try await withPrivateRedis { redis in
            let report = try await report(
                "call", "--callers", "8", "--seconds", "0.3", "--codec", "json", "--levels", "2", redis: redis)
            for (group, name) in [
                ("one after the other", "p50"), ("8 callers", "answered"), ("8 callers", "worker"), ("limit", "p50 / bare"),
            ] {
                #expect(figure(report, group, name) > 0, "\(group), \(name)")
            }
            #expect(try await keys(redis) == [])
        }
    }

    @Test("bench wake measures from the push to the handler, and what idling costs")
    func wake() async throws {
        try await withPrivateRedis { redis in
            let report = try await report("wake", "--seconds", "0.5", "--queues", "3", "--levels", "2", redis: redis)
            #expect(figure(report, "wake", "p50") > 0 && figure(report, "limit", "p50 / bare") > 0)
            #expect(figure(report, "wake", "p99") >= figure(report, "wake", "p50"))
            #expect(figure(report, "idle", "worker's peak memory") > 1)
            #expect(try await keys(redis) == [])
        }
    }

    @Test(
        "A run that is interrupted leaves no key behind, and no worker",
        arguments: [(.interrupt, 130), (.terminate, 143)] as [(ProcessSignal, Int32)])
    func interrupted(_ signal: ProcessSignal, _ status: Int32) async throws {
        try await withPrivateRedis { redis in
            let words = ["bench", "wake", "--processes", "2", "--seconds", "60", "--redis", redis.url]
            try await ProcessRunner(try Program.path, words, workingDirectory: Program.root).run(grace: .seconds(30)) { bench in
                try await eventually("its workers say who they are") { try await keys(redis).contains("tempest:nodes") }
                try bench.send(signal)
                #expect(try await bench.waitForExit() == .exited(status))
            }
            #expect(try await keys(redis) == [])
        }
    }

    @Test(
        "What cannot be measured is said",
        arguments: [
            (["queue", "--jobs", "1"], 64, "--jobs: 100 to 20,000,000"), (["call", "--codec", "xml"], 64, "no codec"),
            (["wake", "--redis", "unix:///nonexistent.sock"], 1, "nonexistent"), (["wake", "--redis", "here"], 64, "--redis"),
            (["queue", "--plot", "/nonexistent/x.svg"], 1, "cannot be written"),
        ])
    func refusals(_ words: [String], _ status: Int32, _ reason: String) async throws {
        let (ended, output) = try await Program.run(["bench"] + words)
        #expect(ended == .exited(status) && output.joined().contains(reason), "\(output)")
    }
}

import Foundation
import Tempest
import TempestProtocol
import TempestTesting
import Testing

/// The program as it was built beside the tests, and how to run it.
enum Program {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static var path: String {
        get throws {
            var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            for _ in 0..<6 {
                let candidate = folder.appendingPathComponent("tempest").path
                if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
                folder = folder.deletingLastPathComponent()
            }
            let built = "\(root)/.build/debug/tempest"
            guard FileManager.default.isExecutableFile(atPath: built) else { throw Missing() }
            return built
        }
    }

    struct Missing: Error {}

    /// Runs it to its end. `url` says as whom it comes to Redis, if not as the default user.
    static func run(
        _ arguments: [String], redis: PrivateRedis? = nil, url: String? = nil
    ) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
        try await runner(arguments, redis: redis, url: url).run { child in
            let status = try await child.waitForExit(within: .seconds(60))
            return (status, child.output)
        }
    }

    static func runner(_ arguments: [String], redis: PrivateRedis?, url: String? = nil) throws -> ProcessRunner {
        ProcessRunner(try path, arguments, environment: ["REDIS_URL": url ?? redis?.url], workingDirectory: root)
    }

    /// Gives bytes to its standard input, by a file.
    static func transcode(
        _ input: [UInt8], _ from: String, _ to: String
    ) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
        try await withTemporaryDirectory { folder in
            let file = "\(folder)/input"
            try Data(input).write(to: URL(fileURLWithPath: file))
            let script = #"exec "$0" transcode --from "$2" --to "$3" <"$1""#
            return try await ProcessRunner("sh", ["-c", script, path, file, from, to]).run { child in
                (try await child.waitForExit(), child.output)
            }
        }
    }
}

@Suite("The program")
struct ProgramTests {
    @Test("transcode refuses bad input with exit status 1, the byte and the reason")
    func badInput() async throws {
        let (status, output) = try await Program.transcode(Array("4:1:1#}".utf8), "tnetstring", "json")
        #expect(status == .exited(1))
        #expect(output.joined().contains("a key must be text") && output.joined().contains("at byte 2"))
    }

    @Test(
        "transcode gives canonical bytes",
        arguments: [("json", #"{"b": [1.50, "\u00e9"], "a": {"$b64": "aGk="}}"#), ("auto", "  [3, 2]\n"), ("json", "7")])
    func transcodes(_ from: String, _ text: String) async throws {
        let (status, output) = try await Program.transcode(Array(text.utf8), from, "json")
        let value = try JSONCodec().value(Array(text.utf8))
        #expect(status == .exited(0))
        #expect(output == [String(decoding: try JSONCodec().encode(value, canonical: true), as: UTF8.self)])
    }

    @Test(
        "Every command teaches with an example",
        arguments: [
            [], ["demo"], ["dev"], ["push"], ["call"], ["queues"], ["peek"], ["pause"], ["resume"], ["clear"], ["transcode"],
            ["cancel"], ["dead"], ["dead", "list"], ["dead", "show"], ["dead", "retry"], ["dead", "delete"], ["workers"],
            ["quiet"], ["stop"],
            ["bench"], ["bench", "codecs"],
        ])
    func help(_ command: [String]) async throws {
        let (status, output) = try await Program.run(command + ["--help"])
        #expect(status == .exited(0))
        #expect(output.contains { $0.contains("EXAMPLE") })
    }

    @Test("Without a Redis it says what to do, at once")
    func refused() async throws {
        let (status, output) = try await Program.run(["push", "x", "--redis", "redis://127.0.0.1:1"])
        #expect(status == .exited(1))
        #expect(output.joined().contains("127.0.0.1:1 refused the connection"))
    }

    @Test("Push, peek, pause, resume, queues, call and clear do what they say")
    func operations() async throws {
        try await withPrivateRedis { redis in
            let pushed = try await Program.run(
                ["push", "echo", "1", #"{"a":null}"#, "text", "-q", "mail", "-l", "high"], redis: redis)
            #expect(pushed.status == .exited(0) && pushed.output.last?.count == 26)
            #expect(pushed.output.first?.hasPrefix("No worker serves the queue mail now") == true)
            let peeked = try await Program.run(["peek", "mail", "--json"], redis: redis).output
            let job = try JSONCodec().value(Array((peeked.first ?? "").utf8))
            #expect(job["args"] == [1, ["a": nil], "text"] && job["level"] == "high")
            #expect(try await Program.run(["pause", "mail"], redis: redis).output == ["Paused."])
            let queues = try await Program.run(["queues", "mail", "--json", "--interval", "0.1"], redis: redis).output
            let row = try JSONCodec().value(Array((queues.first ?? "").utf8))
            #expect(row[0]?["waiting"] == 1 && row[0]?["levels"]?[0]?["paused"] == true)
            #expect(try await Program.run(["resume", "mail"], redis: redis).output == ["Resumed."])
            let asked = try await ProcessRunner(
                "sh", ["-c", "echo n | \(Program.path) clear mail"], environment: ["REDIS_URL": redis.url]
            ).run { child in (try await child.waitForExit(), child.output.joined()) }
            #expect(asked.0 == .exited(1) && asked.1.contains("Delete 1 job"))
            #expect(try await Program.run(["clear", "mail", "--yes"], redis: redis).output == ["Deleted 1."])
            try await Program.runner(["demo-worker", "mail"], redis: redis).run { _ in
                let called = try await Program.run(["call", "echo", "7", "-q", "mail", "-c", "tnetstring"], redis: redis)
                #expect(called.status == .exited(0) && called.output.last == "[7]")
                let negative = try await Program.run(["call", "echo", "-2", "-q", "mail", "--", "-x"], redis: redis)
                #expect(negative.output.last == #"[-2,"-x"]"#)
                let failed = try await Program.run(["call", "nope", "-q", "mail", "--timeout", "2"], redis: redis)
                #expect(failed.status == .exited(1) && failed.output.joined().contains("unknown_action"))
            }
        }
    }

    @Test("dev runs a Redis until SIGINT and takes it away again")
    func dev() async throws {
        try await Program.runner(["dev"], redis: nil).run { child in
            let line = try await child.waitForLine { $0.hasPrefix("export REDIS_URL=") }
            let url = line.dropFirst("export REDIS_URL=".count)
            let pushed = try await Program.run(["push", "x", "--redis", String(url)])
            #expect(pushed.status == .exited(0))
            try child.send(.interrupt)
            #expect(try await child.waitForExit() == .exited(0))
            #expect(try await Program.run(["push", "x", "--redis", String(url)]).status == .exited(1))
        }
    }

    @Test(
        "The demonstration agrees in nine cells", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
    func demo() async throws {
        let (status, output) = try await Program.run(["demo", "--root", Program.root])
        #expect(status == .exited(0), "\(output.joined(separator: "\n"))")
        #expect(output.joined(separator: "\n").ranges(of: "agrees ").count == 9)
    }
}

import Foundation
import TempestCodecs
import TempestTesting
import Testing

/// One built program, whichever folder the tests are in: ``Program``.
@Suite("bench codecs")
struct BenchTests {
    /// Runs it with its output and errors apart.
    private func bench(
        _ arguments: String, environment: [String: String?] = [:]
    ) async throws -> (status: TempestTesting.ExitStatus, output: String, error: String) {
        try await withTemporaryDirectory { folder in
            let script = #"exec "$0" bench codecs "# + arguments + #" >"$1/output" 2>"$1/error" </dev/null"#
            let status = try await ProcessRunner(
                "sh", ["-c", script, Program.path, folder], environment: environment, workingDirectory: Program.root
            ).run { try await $0.waitForExit(within: .seconds(60)) }
            func read(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
            return (status, try read("output"), try read("error"))
        }
    }

    @Test("A built-in payload in every codec, as JSON for programs")
    func builtIn() async throws {
        let (status, output, error) = try await bench("--only job --rounds 1 --seed 3 --json")
        #expect(status == .exited(0), "\(error)")
        let report = try JSONCodec().value(Array(output.utf8))
        #expect(report["seed"] == 3 && report["rounds"] == 1)
        let job = try #require(report["payloads"]?[0])
        #expect(job["name"] == "job" && report["payloads"]?.asArray?.count == 1)
        let found = job["measurements"]?.asArray ?? []
        for codec in ["json", "msgpack", "tnetstring"] {
            #expect((job["sizes"]?[codec]?["bytes"]?.asInt ?? 0) > 50)
            for operation in ["decode", "encode"] {
                let value = found.first {
                    $0["codec"]?.asText == codec && $0["operation"]?.asText == operation && $0["kind"] == "value"
                }
                #expect((value?["median_ns"]?.asDouble ?? 0) > 0, "\(codec) \(operation)")
            }
        }
        // A debug build says that it is one.
        #expect(error.contains("WITHOUT OPTIMISATION") == (report["optimised"] == false))
    }

    @Test("The user's own file, with a plot and without colour")
    func file() async throws {
        try await withTemporaryDirectory { folder in
            try Data(#"{"mine": [1, 2.5, "x", null]}"#.utf8).write(to: URL(fileURLWithPath: "\(folder)/mine.json"))
            let (status, output, error) = try await bench("--payload \(folder)/mine.json --rounds 1 --plot \(folder)/plot.svg")
            #expect(status == .exited(0), "\(error)")
            #expect(
                output.contains("mine.json — your file, json, 29 B") && output.contains("→ Swift, a Value: fewer than 4 rounds"))
            #expect(!output.contains("\u{1B}"))
            #expect(try String(contentsOfFile: "\(folder)/plot.svg", encoding: .utf8).contains("mine.json"))
        }
    }

    @Test("Lines of JSON are one payload, whose sizes are sums; - is standard input")
    func lines() async throws {
        try await withTemporaryDirectory { folder in
            let text = "{\"a\": 1}\n\n{\"b\": [2]}\n"
            for name in ["lines.ndjson", "lines.jsonl"] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
                let (status, output, error) = try await bench("--payload \(folder)/\(name) --rounds 1 --json")
                #expect(status == .exited(0), "\(error)")
                let payload = try #require(try JSONCodec().value(Array(output.utf8))["payloads"]?[0])
                #expect(payload["sizes"]?["json"]?["bytes"] == 16 && payload["measurements"]?.asArray?.count == 6)
                #expect(payload["remarks"]?[0]?.asText?.hasPrefix("2 documents:") == true)
            }
            try Data("{\"c\": 1}\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/whole"))
            let script = #"exec "$0" bench codecs --payload - --rounds 1 <"$1""#
            let (status, output) = try await ProcessRunner("sh", ["-c", script, Program.path, "\(folder)/whole"]).run { child in
                (try await child.waitForExit(within: .seconds(60)), child.output)
            }
            #expect(status == .exited(0) && output.contains { $0.hasPrefix("standard input — your file, json") }, "\(output)")
        }
    }

    @Test(
        "What cannot be measured is said before anything is",
        arguments: [
            ("--payload /nonexistent.json", 1, "cannot be read: No such file"), ("--payload /dev/null", 1, "is empty"),
            ("--payload Makefile", 1, "as no codec's array or map"), ("--only jobs", 64, "there is no payload"),
            ("--rounds 0", 64, "1 to 1000"),
            ("--only job --plot /nonexistent/plot.svg", 1, "cannot be written"),
        ] as [(String, Int32, String)])
    func refused(_ arguments: String, _ status: Int32, _ message: String) async throws {
        let result = try await bench(arguments)
        #expect(result.status == .exited(status))
        #expect(result.error.contains(message), "\(result.error)")
        #expect(result.output.isEmpty)
    }

    @Test("Peers that are not there are named, nothing is installed, and the run goes on")
    func missingPeers() async throws {
        try await withTemporaryDirectory { folder in
            let (status, output, error) = try await bench(
                "--only job --rounds 1 --compare --json",
                environment: ["XDG_CACHE_HOME": folder, "PYTHON": "/nonexistent/python", "RUBY": "/nonexistent/ruby"])
            #expect(status == .exited(0), "\(error)")
            #expect(error.contains("--install-peers") && error.contains("\(folder)/tempest/bench/venv"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            let report = try JSONCodec().value(Array(output.utf8))
            #expect(report["missing_peers"]?.asArray?.contains("orjson") == true)
            #expect(report["ratios"]?.asArray?.contains { $0["peer"] == "Foundation" } == true)
        }
    }

    @Test("Clients that are not there cost a line each, and the run goes on")
    func missingClients() async throws {
        let (status, output, error) = try await bench(
            "--only job --rounds 1 --json", environment: ["PYTHON": "/nonexistent/python", "RUBY": "no-such-ruby"])
        #expect(status == .exited(0), "\(error)")
        for name in ["tempest (Python)", "tempest (Ruby)"] {
            #expect(error.split(separator: "\n").count { $0.hasPrefix("\(name) is not measured: ") } == 1, "\(error)")
        }
        let report = try JSONCodec().value(Array(output.utf8))
        #expect(report["missing_peers"] == ["tempest (Python)", "tempest (Ruby)"])
        #expect(
            report["payloads"]?[0]?["measurements"]?.asArray?.allSatisfy {
                $0["library"] == "tempest" || $0["kind"] == "compressed"
            } == true)
    }

    @Test("An interpreter that ends at once is a client that is not there")
    func brokenInterpreter() async throws {
        let (status, _, error) = try await bench("--only job --rounds 1", environment: ["PYTHON": "false", "RUBY": "true"])
        #expect(status == .exited(0), "\(error)")
        #expect(error.contains("tempest (Python) is not measured") && error.contains("tempest (Ruby) is not measured"))
    }

    @Test(
        "The codecs of a client that is a checkout's are measured in every run, without --compare",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")),
        arguments: [("PYTHON", "tempest (Python)"), ("RUBY", "tempest (Ruby)")])
    func clients(_ variable: String, _ name: String) async throws {
        let all: [String: String?] = ["PYTHON": "/nonexistent/python", "RUBY": "/nonexistent/ruby"]
        let one = ["PYTHON": "/usr/bin/python3", "RUBY": "ruby"][variable]
        let (status, output, error) = try await bench(
            "--only job --only binary --rounds 2 --json", environment: all.merging([variable: one]) { $1 })
        #expect(status == .exited(0), "\(error)")
        let report = try JSONCodec().value(Array(output.utf8))
        #expect(report["versions"]?[name]?.asText?.isEmpty == false, "\(error)")
        for payload in report["payloads"]?.asArray ?? [] {
            #expect(payload["remarks"] == [])
            for codec in ["json", "msgpack", "tnetstring"] {
                let found = (payload["measurements"]?.asArray ?? []).filter {
                    $0["library"]?.asText == name && $0["codec"]?.asText == codec
                }
                #expect(found.count == 2 && found.allSatisfy { $0["rounds_ns"]?.asArray?.count == 2 }, "\(codec)")
            }
        }
        #expect(report["payloads"]?.asArray?.count == 2 && report["ratios"] == [])
    }

    @Test("--type prints the example's source, and measures nothing")
    func type() async throws {
        let (status, output, error) = try await bench("--type")
        #expect(status == .exited(0) && error.isEmpty)
        let file = "\(Program.root)/examples/bench-type/Sources/bench-type/main.swift"
        #expect(output == (try String(contentsOfFile: file, encoding: .utf8)))
        #expect(output.contains("swift run -c release --package-path examples/bench-type"))
    }

    @Test(
        "A peer in Python is measured in the same rounds",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
    func python() async throws {
        try await withTemporaryDirectory { folder in
            let (status, output, error) = try await bench(
                "--only job --rounds 3 --compare --json",
                environment: ["XDG_CACHE_HOME": folder, "PYTHON": "/usr/bin/python3", "RUBY": "/nonexistent/ruby"])
            #expect(status == .exited(0), "\(error)")
            let report = try JSONCodec().value(Array(output.utf8))
            let found = report["payloads"]?[0]?["measurements"]?.asArray ?? []
            let python = found.filter { $0["library"] == "json (Python)" }
            #expect(python.count == 2 && python.allSatisfy { $0["rounds_ns"]?.asArray?.count == 3 })
            #expect(report["versions"]?["Python"]?.asText?.hasPrefix("3.") == true)
        }
    }
}

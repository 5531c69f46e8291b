import Logging
import Synchronization
import TempestProtocol
import TempestTesting
import Testing

@testable import Tempest

/// One event is one line (docs/logs.md): each scenario writes exactly the lines that are listed there.
@Suite("What the log says")
struct LogTests {
    private struct Trouble: Error, CustomStringConvertible {
        var description: String { "the disk\nis full " + String(repeating: "x", count: 1000) }
    }

    /// What a worker has logged, without its start and its end.
    private func lines(
        _ bench: Bench, _ register: (Worker) -> Void, _ body: () async throws -> Void
    ) async throws -> [LogKeeper.Entry] {
        let log = LogKeeper(.info)
        var options = WorkerOptions()
        (options.name, options.grace, options.concurrency) = ("test", .seconds(5), 1)
        let worker = try Worker(queues: ["q"], redis: bench.configuration, options: options, logger: log.logger)
        register(worker)
        try await withRunning(worker) { try await body() }
        return log.entries.filter { !$0.message.hasPrefix("tempest worker") }
    }

    private func settled(_ count: Int, _ bench: Bench) async throws {
        try await eventually("\(count) are settled") {
            try await bench.client.statistics(QueueName("q")).settled >= count
        }
    }

    private func words(_ lines: [LogKeeper.Entry]) -> [String] { lines.map { "\($0.level) \($0.message)" } }

    @Test func `a failed attempt is one line, and the last one another`() async throws {
        try await Bench.run { bench in
            var id: JobID?
            let lines = try await lines(bench) { worker in
                worker.handle("fail", retry: RetryPolicy(first: .milliseconds(5), longest: .milliseconds(5))) {
                    (_: JobContext) in throw Trouble()
                }
            } _: {
                id = try await bench.client.push("fail", queue: "q", options: JobOptions(attempts: 2))
                try await settled(2, bench)
            }
            #expect(words(lines) == ["warning a job failed and is tried again", "error a job is dead"])
            try #require(lines.count == 2)
            for (line, attempt) in zip(lines, ["1", "2"]) {
                #expect(line.metadata["action"] == "fail" && line.metadata["job_id"] == id.map { "\($0)" })
                #expect(line.metadata["level"] == "default" && line.metadata["attempt"] == attempt)
                #expect(line.metadata["attempts"] == "2")
                let error = try #require(line.metadata["error"])
                #expect(error.hasPrefix(#"the disk\nis full x"#) && error.count <= 501)
            }
            #expect(lines[0].metadata["delay_ms"].flatMap { Int($0) }.map { $0 <= 5 } == true)
            #expect(lines[1].metadata["reason"] == "exhausted")
        }
    }

    @Test func `a failure that a caller hears of is one line, and not recorded`() async throws {
        try await Bench.run { bench in
            let lines = try await lines(bench) { worker in
                worker.handle("fail") { (_: JobContext) in throw Trouble() }
                worker.handle("meant") { (_: JobContext) in throw HandlerError(code: "no_luck", message: "try later") }
                worker.handle("picky") { (_: JobContext, _: Int) in }
            } _: {
                for action in ["fail", "meant", "picky"] {
                    await #expect(throws: CallError.self) { try await bench.client.call(action, queue: "q") }
                }
            }
            let told = "a job failed and its caller is told"
            #expect(words(lines) == ["error \(told)", "info \(told)", "info \(told)"])
            #expect(lines.map { $0.metadata["code"] } == ["handler", "no_luck", "bad_args"])
            #expect(try await bench.dead().isEmpty)
        }
    }

    @Test func `bad input, late and cancelled jobs are one line each`() async throws {
        try await Bench.run { bench in
            let lines = try await lines(bench) { worker in
                worker.handle("none") { (_: JobContext) in }
            } _: {
                try await bench.push("nonsense")
                try await settled(1, bench)
                try await bench.push(#"["none",[],null,"late",{"expires_at":1}]"#)
                try await settled(2, bench)
                try await bench.client.cancel(job: .text("gone"), queue: QueueName("q"))
                try await bench.push(#"["none",[],null,"gone"]"#)
                try await settled(3, bench)
            }
            #expect(
                words(lines) == [
                    "error a job is dead", "info a job came too late and is not run", "info a job was cancelled",
                ])
            #expect(lines.map { $0.metadata["reason"] ?? $0.metadata["job_id"] } == ["bad_codec", "late", "gone"])
        }
    }

    @Test func `an unknown action is named once`() async throws {
        try await Bench.run { bench in
            let lines = try await lines(bench) { worker in
                worker.handle("old") { (_: JobContext) in }
            } _: {
                for _ in 0..<3 { try await bench.client.push("new", queue: "q") }
                try await eventually("all wait") {
                    try await bench.client.statistics(QueueName("q")).counts["unknown"] == 3
                }
            }
            #expect(words(lines) == ["warning no handler here for a job's action: it waits for a worker that has one"])
            #expect(lines.first?.metadata["action"] == "new" && lines.first?.metadata["patience_ms"] == "60000")
        }
    }

    @Test func `a Redis that goes and comes back is two lines, and one that is not there at the start is one`() async throws {
        try await Bench.run(.init(appendOnly: true)) { bench in
            let lines = try await lines(bench) { worker in
                worker.handle("echo") { (_: JobContext, word: Int) in word }
            } _: {
                let one: Int = try await bench.client.call("echo", 1, queue: "q")
                #expect(one == 1)
                try await bench.server.restart()
                let two: Int = try await bench.client.call("echo", 2, queue: "q", timeout: .seconds(20))
                #expect(two == 2)
            }
            let outage = lines.filter { $0.message.contains("Redis") }
            #expect(outage.allSatisfy { $0.message == "cannot use Redis; trying again" || $0.message == "Redis is back" })
            #expect(outage.count % 2 == 0 && outage.count <= 4, "\(words(lines))")
            try await bench.server.kill()
            let log = LogKeeper(.info)
            var options = WorkerOptions()
            options.name = "test"
            let worker = try Worker(queues: ["q", "p"], redis: bench.configuration, options: options, logger: log.logger)
            worker.handle("echo") { (_: JobContext, word: Int) in word }
            let server = bench.server
            let start = Task {
                try await eventually("it is missed") { !log.entries.isEmpty }
                try await server.start()
            }
            try await withRunning(worker) {
                try await eventually("it is ready") { log.entries.contains { $0.message == "tempest worker ready" } }
            }
            try await start.value
            #expect(log.entries.count { $0.message == "cannot use Redis; trying again" } == 1, "\(log.words)")
            #expect(log.entries.count { $0.message.hasPrefix("tempest worker") } == 3)
        }
    }
}

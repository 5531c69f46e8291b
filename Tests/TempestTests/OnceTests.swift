import Foundation
import Logging
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Jobs that are run once")
struct OnceTests {
    /// A process that has claimed all that waits, has begun what says `once`, and is dead.
    private func dead(_ bench: Bench, begins fields: [String], claims count: Int) async throws {
        try await bench.function("hello", "q", ["dead", "new", "lease/300"])
        _ = try await bench.redis.execute(["SADD", "tempest:queues", "q"])
        try await bench.function("claim", "q", ["dead", "1", .init(count), "1000000", "default"])
        if !fields.isEmpty { try await bench.function("begin", "q", ["dead"] + fields.map { .init($0) }) }
    }

    private func begun(_ bench: Bench) async throws -> [String] {
        let keys = try await bench.redis.execute(["KEYS", "{q}:!begun:*"]).array ?? []
        var fields: [String] = []
        for key in keys.compactMap(\.string) {
            fields += (try await bench.redis.execute(["SMEMBERS", .init(key)]).array ?? []).compactMap(\.string)
        }
        return fields.sorted()
    }

    @Test("What a dead worker had begun is not run again, and its caller is told; what it had only claimed is run")
    func reaped() async throws {
        try await Bench.run { bench in
            let call = Task {
                let _: Int = try await bench.client.call(
                    "work", "begun", queue: "q", timeout: .seconds(30), options: JobOptions(once: true))
            }
            try await eventually("it waits") { try await bench.client.statistics(QueueName("q")).waiting == 1 }
            try await bench.client.push("work", "claimed", queue: "q", options: JobOptions(once: true))
            try await dead(bench, begins: ["default.1"], claims: 2)
            let ran = Mutex<[String]>([])
            let worker = try bench.worker { $0.lease = .milliseconds(500) }
            worker.handle("work") { (_: JobContext, word: String) in
                ran.withLock { $0.append(word) }
                return 1
            }
            try await withRunning(worker) {
                await #expect {
                    try await call.value
                } throws: {
                    let error = $0 as? CallError
                    return error?.code == .interrupted && error?.remoteCode == "interrupted"
                        && error?.message.contains("may have been carried out") == true
                }
                try await eventually("the other is run") { ran.withLock { $0 } == ["claimed"] }
                try await eventually("and settled") { try await bench.client.statistics(QueueName("q")).settled == 1 }
            }
            #expect(ran.withLock { $0 } == ["claimed"])
            #expect(try await bench.dead().map(\.reason) == ["interrupted"])
            #expect(try await bench.client.statistics(QueueName("q")).counts["crashed"] == 1)
        }
    }

    @Test("A claim that is gone by the time it is begun is not run, and holds up nothing")
    func gone() async throws {
        try await Bench.run { bench in
            // A library that says of each claim that it is not ours any more.
            let source = String(decoding: FunctionLibrary.source, as: UTF8.self)
            let forgetful =
                source
                .replacingOccurrences(of: "local REVISION = \(FunctionLibrary.revision)", with: "local REVISION = 999")
                .replacingOccurrences(of: "local there = level_of(argv[i])", with: "local there = false")
            #expect(forgetful.contains("local there = false"))
            _ = try await bench.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(forgetful)])
            let ran = Mutex<[String]>([])
            let worker = try bench.worker(concurrency: 1)
            worker.handle("work") { (_: JobContext, word: String) in ran.withLock { $0.append(word) } }
            try await withRunning(worker) {
                for number in 1...3 {
                    try await bench.client.push("work", "once", queue: "q", options: JobOptions(once: true))
                    try await bench.client.push("work", "plain", queue: "q")
                    try await eventually("the other is run") { ran.withLock(\.count) == number }
                }
            }
            #expect(ran.withLock { $0 } == ["plain", "plain", "plain"])
        }
    }

    @Test("They are marked before their handlers are called, in all codecs, quick ones too; others are not")
    func marks() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker(concurrency: 40)
            let seen = Mutex<[String: [Bool]]>([:])
            worker.handle("look") { (context: JobContext, name: String) in
                let process = "\(context.running.end.run.process)"
                let key = "{q}:!begun:\(process)"
                let field = "\(context.running.claim)"
                let isMarked = try await bench.redis.execute(["SISMEMBER", .init(key), .init(field)]).integer == 1
                seen.withLock { $0[name, default: []].append(isMarked) }
            }
            try await withRunning(worker) {
                for codec: any Codec in [.json, .messagePack, .tnetstring] {
                    let large = String(repeating: "x", count: 20_000)
                    for name in ["once", large] {
                        try await bench.client.push("look", name, queue: "q", codec: codec, options: JobOptions(once: true))
                    }
                    try await bench.client.push("look", "plain", queue: "q", codec: codec)
                }
                // More than are begun on the event loop.
                let many = try (0..<100).map { _ in try JobRequest("look", "once") }
                try await bench.client.push(many, queue: "q", options: JobOptions(once: true))
                try await eventually("all have run") { try await bench.client.statistics(QueueName("q")).settled == 109 }
            }
            let found = seen.withLock { $0 }
            #expect(found["once"]?.count == 103 && found["once"]?.allSatisfy { $0 } == true)
            #expect(found["plain"] == [false, false, false])
            #expect(found.first { $0.key.count > 100 }?.value == [true, true, true])
            #expect(try await begun(bench).isEmpty)
        }
    }

    @Test("What is left behind when the grace time is over is dead, and its caller is told; others go back")
    func grace() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker(grace: .milliseconds(200))
            let started = Mutex(0)
            worker.handle("work") { (_: JobContext, _: String) in
                started.withLock { $0 += 1 }
                try await Gate().wait()
            }
            let call = Task {
                let _: Int = try await bench.client.call(
                    "work", "once", queue: "q", timeout: .seconds(30), options: JobOptions(once: true))
            }
            try await withRunning(worker) {
                try await bench.client.push("work", "back", queue: "q")
                try await eventually("both run") { started.withLock { $0 } == 2 }
            }
            await #expect { try await call.value } throws: { ($0 as? CallError)?.remoteCode == "interrupted" }
            let waiting = try await bench.client.peek(QueueName("q"), level: .default, count: 10)
            #expect(waiting.compactMap { $0.job?.args[0].text } == ["back"])
            #expect(try await bench.dead().map(\.reason) == ["interrupted"])
            #expect(try await begun(bench).isEmpty)
        }
    }

    @Test("A worker that was taken for dead drops what its handler returns, and nobody runs the job again")
    func fenced() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            let gate = Gate()
            let runs = Mutex(0)
            worker.handle("work") { (_: JobContext) in
                runs.withLock { $0 += 1 }
                try? await gate.wait()
                return 1
            }
            let call = Task {
                let _: Int = try await bench.client.call(
                    "work", queue: "q", timeout: .seconds(30), options: JobOptions(once: true))
            }
            try await withRunning(worker) {
                try await eventually("it runs") { runs.withLock { $0 } == 1 }
                #expect(try await Reaper(redis: bench.redis, logger: Logger(label: "test")).reap(prefix: "test.") == 1)
                await #expect { try await call.value } throws: { ($0 as? CallError)?.remoteCode == "interrupted" }
                gate.open()
                try await eventually("it has begun anew") { try await bench.client.statistics(QueueName("q")).processes == 1 }
                let again: Int = try await bench.client.call("work", queue: "q", timeout: .seconds(30))
                #expect(again == 1)
            }
            #expect(runs.withLock { $0 } == 2)
            #expect(try await bench.dead().map(\.reason) == ["interrupted"])
        }
    }

    @Test("A failure of the handler is no interruption: it is retried as any other")
    func failures() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            let runs = Mutex(0)
            worker.handle("flaky", retry: RetryPolicy(attempts: 5, first: .zero, longest: .zero)) { (_: JobContext) in
                let run = runs.withLock { runs in
                    runs += 1
                    return runs
                }
                if run < 3 { throw HandlerError(code: "not_yet", message: "again") }
            }
            try await withRunning(worker) {
                try await bench.client.push("flaky", queue: "q", options: JobOptions(once: true))
                try await eventually("it has run") { try await bench.client.statistics(QueueName("q")).settled == 3 }
            }
            #expect(runs.withLock { $0 } == 3)
            #expect(try await bench.dead().isEmpty)
            #expect(try await begun(bench).isEmpty)
        }
    }

    @Test("What was marked and never run goes back when the worker leaves; what runs is named")
    func leaving() async throws {
        try await Bench.run { bench in
            let running = RunningJobs()
            let claims = [Claim(.default, 1), Claim(.default, 2)]
            #expect(running.mark(claims))
            #expect(running.leaveOnce().unrun == Set(claims))
            #expect(!running.mark([Claim(.default, 3)]), "nothing is marked any more")
            #expect(running.leaveOnce().unrun.isEmpty)
        }
    }
}

import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Failures and further attempts")
struct RetryTests {
    private struct Trouble: Error, CustomStringConvertible {
        var description: String { "the disk is full" }
    }

    private let quick = RetryPolicy(first: .milliseconds(20), longest: .milliseconds(50))

    @Test(
        "A job that nobody waits for is tried again with its arguments, its attempt and the last error",
        arguments: ["json", "msgpack", "tnetstring"])
    func again(_ codec: String) async throws {
        try await Bench.run { bench in
            let seen = Mutex<[(attempt: Int, meta: ValueMap, args: Value)]>([])
            let worker = try bench.worker()
            worker.handle(dynamic: "try", retry: quick) { context in
                let count = seen.withLock { seen in
                    seen.append((context.attempt, context.job.meta, context.args.value))
                    return seen.count
                }
                if count < 3 { throw Trouble() }
                return .null
            }
            try await withRunning(worker) {
                try await bench.client.push(
                    "try", ["a": 1.5], "b", queue: "q", codec: CodecSet.standard.named(codec), options: JobOptions(attempts: 5))
                try await eventually("it succeeds") { try await bench.client.statistics(QueueName("q")).counts["settled"] == 3 }
            }
            let runs = seen.withLock { $0 }
            #expect(runs.map(\.attempt) == [1, 2, 3])
            #expect(runs.allSatisfy { $0.args == runs[0].args && $0.meta["attempts"] == 5 })
            #expect(runs[0].meta["last_error"] == nil && runs[2].meta["last_error"] == "the disk is full")
            #expect(try await bench.dead().isEmpty)
            let counts = try await bench.client.statistics(QueueName("q")).counts
            #expect(counts["retried"] == 2 && counts["promoted"] == 2)
        }
    }

    @Test("A failure whose next attempt would come after the deadline is the last one, and its caller learns it now")
    func late() async throws {
        try await Bench.run { bench in
            let runs = Mutex(0)
            let worker = try bench.worker()
            let minute = RetryPolicy(attempts: 5, first: .seconds(60), longest: .seconds(60))
            worker.handle("fail", retry: minute) { (_: JobContext) in
                runs.withLock { $0 += 1 }
                throw Trouble()
            }
            try await withRunning(worker) {
                let start = ContinuousClock.now
                await #expect {
                    try await bench.client.call("fail", queue: "q", timeout: .seconds(20))
                } throws: {
                    ($0 as? CallError)?.remoteCode == "handler"
                }
                #expect(start.duration(to: .now) < .seconds(10))
                let time = try await bench.redis.execute(["TIME"]).array?[0].string.flatMap { Int($0) } ?? 0
                try await bench.push(#"["fail",[],null,"x",{"deadline":\#((time + 20) * 1000)}]"#)
                try await eventually("it is dead") { try await bench.dead().map(\.reason) == ["exhausted"] }
            }
            #expect(runs.withLock { $0 } == 2)
        }
    }

    @Test("When its attempts are over it is dead, with its last error")
    func exhausted() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("fail", retry: RetryPolicy(attempts: 3, first: .milliseconds(5), longest: .milliseconds(5))) {
                (_: JobContext) in throw Trouble()
            }
            try await withRunning(worker) {
                try await bench.client.push("fail", queue: "q")
                try await eventually("it is dead") { try await !bench.dead().isEmpty }
            }
            let dead = try #require(try await bench.dead().first)
            #expect(dead.reason == "exhausted" && dead.detail == "the disk is full")
            let job = try Job(dead.job, codecs: .standard, limits: .standard)
            #expect(job.meta["attempt"] == 3)
        }
    }

    @Test("A caller hears of a failure at once, and only on the last attempt when the job has several")
    func caller() async throws {
        try await Bench.run { bench in
            let runs = Mutex(0)
            let worker = try bench.worker()
            worker.handle("fail", retry: quick) { (_: JobContext) in
                runs.withLock { $0 += 1 }
                throw HandlerError(code: "no_luck", message: "try later")
            }
            try await withRunning(worker) {
                await #expect { try await bench.client.call("fail", queue: "q") } throws: {
                    ($0 as? CallError)?.remoteCode == "no_luck"
                }
                #expect(runs.withLock { $0 } == 1)
                await #expect { try await bench.client.call("fail", queue: "q", options: JobOptions(attempts: 3)) } throws: {
                    ($0 as? CallError)?.remoteCode == "no_luck"
                }
                #expect(runs.withLock { $0 } == 4)
            }
            #expect(try await bench.dead().isEmpty)
        }
    }

    @Test("An error that is not worth another attempt gets none; bad arguments never do")
    func unworthy() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("picky", retry: RetryPolicy(retries: { !($0 is Trouble) })) { (_: JobContext, _: Int) in throw Trouble()
            }
            try await withRunning(worker) {
                try await bench.client.push("picky", 1, queue: "q")
                try await bench.client.push("picky", "one", queue: "q")
                try await eventually("both are dead") { try await bench.dead().count == 2 }
            }
            #expect(try await Set(bench.dead().map(\.reason)) == ["exhausted", "bad_args"])
        }
    }

    @Test("A handler may ask for another attempt, also when its caller waits")
    func asked() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("later") { (context: JobContext) in
                if context.attempt < 3 { throw context.retry(after: .milliseconds(30), because: "not yet") }
                return context.attempt
            }
            let answer: Int = try await withRunning(worker) { try await bench.client.call("later", queue: "q") }
            #expect(answer == 3)
        }
    }

    @Test("A run that takes too long is cancelled, and that is a failure; what is finished in spite of it counts")
    func timeouts() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("slow", timeout: .milliseconds(50)) { (_: JobContext) in try await Task.sleep(for: .seconds(60)) }
            worker.handle("stubborn", timeout: .milliseconds(20)) { (context: JobContext) in
                while !context.isCancelled { await Task.yield() }
                return "done"
            }
            worker.handle("long") { (_: JobContext) in try await Task.sleep(for: .seconds(60)) }
            try await withRunning(worker) {
                await #expect { try await bench.client.call("slow", queue: "q") } throws: {
                    ($0 as? CallError)?.remoteCode == "timeout"
                }
                let answer: String = try await bench.client.call("stubborn", queue: "q")
                #expect(answer == "done")
                await #expect {
                    try await bench.client.call("long", queue: "q", options: JobOptions(timeout: .milliseconds(30)))
                } throws: {
                    ($0 as? CallError)?.remoteCode == "timeout"
                }
            }
        }
    }

    @Test("A job whose caller waits no longer, or that has expired, is skipped and counted")
    func expired() async throws {
        try await Bench.run { bench in
            await #expect { try await bench.client.call("x", queue: "q", timeout: .milliseconds(50)) } throws: {
                ($0 as? CallError)?.code == .timedOut
            }
            try await bench.client.push("x", queue: "q", options: JobOptions(expires: .zero))
            try await bench.push(#"["x",[],"in1","j1",{"expires_at":5}]"#)
            let ran = Mutex(0)
            let worker = try bench.worker()
            worker.handle("x") { (_: JobContext) in ran.withLock { $0 += 1 } }
            try await withRunning(worker) {
                try await eventually("all are settled") { try await bench.client.statistics(QueueName("q")).settled == 3 }
                #expect(try await bench.answer("in1").asArray?[3].asMap?["error"]?.asMap?["code"] == "expired")
            }
            #expect(ran.withLock { $0 } == 0)
            #expect(try await bench.client.statistics(QueueName("q")).counts["expired"] == 3)
        }
    }
}

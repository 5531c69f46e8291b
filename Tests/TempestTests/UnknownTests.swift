import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Jobs whose action a worker has no handler for")
struct UnknownTests {
    private static func waiting(_ bench: Bench) async throws -> Int {
        try await bench.client.statistics(QueueName("q")).waitingUnknown
    }

    private static func count(_ bench: Bench, _ name: String) async throws -> Int {
        try await bench.client.statistics(QueueName("q")).counts[name] ?? 0
    }

    /// A worker that answers one action with its argument.
    private static func worker(
        _ bench: Bench, _ action: String, concurrency: Int = 10, patience: Duration = .seconds(60)
    ) throws -> Worker {
        let worker = try bench.worker(concurrency: concurrency) { $0.unknownPatience = patience }
        worker.handle(action) { (_: JobContext, word: Int) in word }
        return worker
    }

    @Test func `one that comes later runs them, in a deploy of one worker after another`() async throws {
        try await Bench.run { bench in
            try await withRunning(try Self.worker(bench, "old")) {
                for number in 0..<100 { try await bench.client.push("new", number, queue: "q") }
                try await withThrowingTaskGroup(of: Int.self) { calls in
                    for number in 0..<5 {
                        calls.addTask { try await bench.client.call("new", number, queue: "q", timeout: .seconds(30)) }
                    }
                    try await eventually("all wait") { try await Self.waiting(bench) == 105 }
                    let statistics = try await bench.client.statistics(QueueName("q"))
                    #expect(statistics.unknown == [.init(level: .default, action: "new", count: 105)])
                    try await withRunning(try Self.worker(bench, "new")) {
                        var answers: [Int] = []
                        for try await answer in calls { answers.append(answer) }
                        #expect(answers.sorted() == [0, 1, 2, 3, 4])
                        try await eventually("all were run") { try await Self.count(bench, "settled") == 105 }
                    }
                }
            }
            #expect(try await bench.dead().isEmpty)
            #expect(try await Self.waiting(bench) == 0)
        }
    }

    @Test func `each of two workers gets what it knows`() async throws {
        try await Bench.run { bench in
            try await withRunning(try Self.worker(bench, "old")) {
                try await withRunning(try Self.worker(bench, "new")) {
                    let answers = try await withThrowingTaskGroup(of: Int.self) { calls in
                        for number in 0..<400 {
                            calls.addTask {
                                try await bench.client.call(
                                    number % 2 == 0 ? "old" : "new", number, queue: "q", timeout: .seconds(30))
                            }
                        }
                        return try await calls.reduce(into: []) { $0.append($1) }
                    }
                    #expect(answers.sorted() == Array(0..<400))
                }
            }
            #expect(try await bench.dead().isEmpty)
        }
    }

    @Test func `one that nobody comes for is dead after the patience, and a caller learns it in time`() async throws {
        try await Bench.run { bench in
            let start = ContinuousClock.now
            try await withRunning(try Self.worker(bench, "old", patience: .milliseconds(500))) {
                try await bench.client.push("nobody", 1, queue: "q")
                try await eventually("it is dead") { try await bench.dead().count == 1 }
                #expect(start.duration(to: .now) > .milliseconds(450))
                #expect(try await bench.dead()[0].reason == "unknown_action")
                #expect(try await bench.dead()[0].detail == #"no worker has a handler for "nobody""#)
            }
            try await withRunning(try Self.worker(bench, "old")) {
                let start = ContinuousClock.now
                await #expect {
                    let _: Int = try await bench.client.call("nobody", 1, queue: "q", timeout: .seconds(2))
                } throws: {
                    ($0 as? CallError)?.remoteCode == "unknown_action"
                }
                #expect(start.duration(to: .now) > .milliseconds(900))
            }
        }
    }

    @Test func `one waits beyond the patience while a worker that has a handler is busy`() async throws {
        try await Bench.run { bench in
            let busy = try bench.worker(concurrency: 1)
            let gate = Gate()
            let begun = Mutex(0)
            busy.handle("new") { (_: JobContext, word: Int) in
                begun.withLock { $0 += 1 }
                try await gate.wait()
                return word
            }
            try await withRunning(busy) {
                try await withRunning(try Self.worker(bench, "old", patience: .milliseconds(200))) {
                    try await bench.client.push("new", 1, queue: "q")
                    try await eventually("it runs") { begun.withLock { $0 } == 1 }
                    try await bench.client.push("new", 2, queue: "q")
                    try await eventually("it waits") { try await Self.waiting(bench) == 1 }
                    let first: RedisCommand = ["ZRANGE", "{q}:!unknown", "0", "0", "WITHSCORES"]
                    var seen: Set<String> = []
                    try await eventually("it was looked at twice") {
                        if let time = try await bench.redis.execute(first).array?[1].string { seen.insert(time) }
                        return seen.count == 3
                    }
                    gate.open()
                    try await eventually("both were run") { try await Self.count(bench, "settled") == 2 }
                }
            }
            #expect(try await bench.dead().isEmpty)
        }
    }

    @Test func `what waits outlives its worker, can be cancelled, and stays on a paused level`() async throws {
        try await Bench.run { bench in
            let q = try QueueName("q")
            try await withRunning(try Self.worker(bench, "old")) {
                try await bench.client.push("new", 1, queue: "q")
                let gone = try await bench.client.push("new", 2, queue: "q")
                try await eventually("both wait") { try await Self.waiting(bench) == 2 }
                _ = try await bench.client.cancel(job: gone, queue: q)
            }
            _ = try await bench.client.pause(q, levels: [.default])
            try await withRunning(try Self.worker(bench, "new")) {
                let answer: Int = try await bench.client.call("new", 3, queue: "q", level: .high, timeout: .seconds(30))
                #expect(answer == 3)
                #expect(try await Self.waiting(bench) == 2)
                _ = try await bench.client.resume(q, levels: [])
                try await eventually("all were settled") { try await Self.count(bench, "settled") == 3 }
                #expect(try await Self.count(bench, "cancelled") == 1)
            }
        }
    }

    @Test func `who is quiet, or does not serve the level, is nobody to wait for`() async throws {
        try await Bench.run { bench in
            let quiet = try Self.worker(bench, "new")
            let elsewhere = try bench.worker(levels: [.high])
            elsewhere.handle("new") { (_: JobContext, word: Int) in word }
            try await withRunning(quiet) {
                try await withRunning(elsewhere) {
                    quiet.quiet()
                    try await eventually("the quiet one has said so") {
                        try await bench.redis.execute(["KEYS", "{q}:!actions:*"]).array?.count == 1
                    }
                    try await withRunning(try Self.worker(bench, "old", patience: .milliseconds(300))) {
                        try await bench.client.push("new", 1, queue: "q")
                        try await eventually("it is dead") { try await bench.dead().map(\.reason) == ["unknown_action"] }
                        let answer: Int = try await bench.client.call("new", 2, queue: "q", level: .high)
                        #expect(answer == 2)
                    }
                }
            }
        }
    }

    @Test func `a cancelled one is cancelled, also where nobody waits for a handler`() async throws {
        try await Bench.run { bench in
            let q = try QueueName("q")
            let id = try await bench.client.push("nobody", 1, queue: "q")
            _ = try await bench.client.cancel(job: id, queue: q)
            try await withRunning(try Self.worker(bench, "old", patience: .zero)) {
                try await eventually("it is cancelled") { try await Self.count(bench, "cancelled") == 1 }
            }
            #expect(try await bench.dead().isEmpty)
        }
    }

    @Test func `hundreds are given up at once`() async throws {
        try await Bench.run { bench in
            try await withRunning(try Self.worker(bench, "old", patience: .milliseconds(300))) {
                for number in 0..<1500 { try await bench.client.push("nobody", number, queue: "q") }
                try await eventually(within: .seconds(10), "all are dead") { try await bench.dead().count == 1500 }
            }
        }
    }

    @Test func `who is to stop, and still runs a job, is nobody to wait for`() async throws {
        try await Bench.run { bench in
            let gate = Gate()
            let begun = Mutex(false)
            let worker = try bench.worker(grace: .seconds(60))
            worker.handle("hold") { (_: JobContext) in
                begun.withLock { $0 = true }
                try await gate.wait()
            }
            try await withRunning(worker) {
                try await bench.client.push("hold", queue: "q")
                try await eventually("it runs") { begun.withLock { $0 } }
                let processes = try await bench.redis.execute(["HKEYS", "{q}:!procs"]).array?.compactMap(\.string) ?? []
                let known = RedisArgument("{q}:!actions:\(processes.first ?? "")")
                #expect(try await bench.redis.execute(["EXISTS", known]).integer == 1)
                worker.stop()
                try await eventually("it knows nothing") { try await bench.redis.execute(["EXISTS", known]).integer == 0 }
                #expect(try await bench.client.statistics(QueueName("q")).running == 1)
                gate.open()
            }
        }
    }

    @Test func `a quiet worker that keeps the clock gives up what nobody can run`() async throws {
        try await Bench.run { bench in
            let worker = try Self.worker(bench, "old", patience: .milliseconds(700))
            try await withRunning(worker) {
                try await bench.client.push("nobody", 1, queue: "q")
                try await eventually("it waits") { try await Self.waiting(bench) == 1 }
                worker.quiet()
                try await eventually("it is dead") { try await bench.dead().map(\.reason) == ["unknown_action"] }
            }
        }
    }
}

import Logging
import NIOCore
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Callers whom the process that reaped has not told")
struct UntoldTests {
    /// A call, and a process that has begun its job and then died.
    private func call(_ bench: Bench) async throws -> Task<Void, any Error> {
        let call = Task {
            let _: Int = try await bench.client.call(
                "work", queue: "q", timeout: .seconds(30), options: JobOptions(once: true))
        }
        try await eventually("it waits") { try await bench.client.statistics(QueueName("q")).waiting == 1 }
        try await bench.register("dead")
        try await bench.function("claim", "q", ["dead", "1", "1", "1000000", "default"])
        try await bench.function("begin", "q", ["dead", "default.1"])
        return call
    }

    private func untold(_ bench: Bench) async throws -> Int64? {
        try await bench.redis.execute(["ZCARD", "{q}:!untold:dead"]).integer
    }

    /// How often callers were returned, and no reaper came back.
    private func tries(_ bench: Bench) async throws -> String? {
        try await bench.redis.execute(["HGET", "{q}:!untold", "dead#"]).string
    }

    /// Jobs that are to be run once, begun by a process that then died; each with an inbox, or null.
    private func begun(_ inboxes: [String], _ bench: Bench) async throws {
        for (number, inbox) in inboxes.enumerated() {
            try await bench.push(#"["work",[],\#(inbox),"\#(number)",{"once":true}]"#)
        }
        try await bench.register("dead")
        try await bench.function("claim", "q", ["dead", "1", "\(inboxes.count)", "1000000", "default"])
        try await bench.function("begin", "q", ["dead"] + (1...inboxes.count).map { "default.\($0)" })
    }

    private func expectTold(_ call: Task<Void, any Error>, _ bench: Bench) async throws {
        let start = ContinuousClock.now
        await #expect { try await call.value } throws: { ($0 as? CallError)?.remoteCode == "interrupted" }
        #expect(ContinuousClock.now - start < .seconds(10))
        try await eventually("it is on record that it was told") { try await untold(bench) == 0 }
        #expect(try await bench.dead().map(\.reason) == ["interrupted"])
    }

    private func withObserver(_ bench: Bench, _ body: () async throws -> Void) async throws {
        let worker = try bench.worker()
        worker.handle("work") { (_: JobContext) in 1 }
        try await withRunning(worker) { try await body() }
    }

    @Test("A process dies between reap and its answers: the next that observes tells them")
    func reaperDied() async throws {
        try await Bench.run { bench in
            let call = try await call(bench)
            try await bench.function("reap", "q", ["dead", "*", "told"])
            #expect(try await untold(bench) == 1)
            try await withObserver(bench) { try await expectTold(call, bench) }
            #expect(try await bench.client.statistics(QueueName("q")).counts["reaped"] == 1)
        }
    }

    @Test("The keeper of the clock finds what was begun in a grave")
    func swept() async throws {
        try await Bench.run { bench in
            let call = try await call(bench)
            let now = try await bench.redis.execute(["TIME"]).array?[0].string ?? ""
            _ = try await bench.redis.execute(["HDEL", "{q}:!procs", "dead"])
            _ = try await bench.redis.execute(["ZADD", "{q}:!grave", .init("\(now)000"), "dead"])
            try await withObserver(bench) { try await expectTold(call, bench) }
        }
    }

    @Test("A process says goodbye while it is reaped, and has begun something")
    func left() async throws {
        try await Bench.run { bench in
            let call = try await call(bench)
            try await bench.function("goodbye", "q", ["dead"])
            try await withObserver(bench) { try await expectTold(call, bench) }
        }
    }

    @Test("A supervisor that was interrupted, and tries again, tells them at once")
    func supervisor() async throws {
        try await Bench.run { bench in
            let call = try await call(bench)
            try await bench.function("reap", "q", ["dead", "*", "told"])
            _ = try await Reaper(redis: bench.redis, logger: Logger(label: "test")).reap(prefix: "dead")
            try await expectTold(call, bench)
        }
    }

    @Test("Who cannot be told now is told later, and the others at once; whoever has no caller is done with")
    func later() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SET", "{q}:in:box", "no list"])
            try await begun([#""box""#, #""other""#, "null"], bench)
            let log = LogKeeper(.notice)
            let reaper = Reaper(redis: bench.redis, logger: log.logger)
            #expect(try await reaper.reap(prefix: "dead") == 3)
            #expect(try await bench.redis.execute(["LLEN", "{q}:in:other"]).integer == 1)
            #expect(try await untold(bench) == 1)
            #expect(try await tries(bench) == "0", "Redis refused the answer, which is no try")
            #expect(
                log.words == [
                    "error a job is dead",
                    "error a job is dead",
                    "warning a process is dead: its jobs are back in the queue",
                    "warning told callers of jobs that died with a process",
                    "warning callers of jobs that died with a process could not be told; another worker tries again",
                ])
            _ = try await bench.redis.execute(["DEL", "{q}:in:box"])
            try await withObserver(bench) {
                let answer = try await bench.answer("box")
                #expect(answer.asArray?[3].asMap?["error"]?.asMap?["code"] == "interrupted")
                try await eventually("it is on record that it was told") { try await untold(bench) == 0 }
            }
            #expect(try await bench.redis.execute(["LLEN", "{q}:in:other"]).integer == 1, "once")
        }
    }

    @Test("Nobody can be told: no tries are used up, and the log says how many wait")
    func refused() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SET", "{q}:in:box", "no list"])
            try await begun([#""box""#, #""box""#], bench)
            let log = LogKeeper(.notice)
            let reaper = Reaper(redis: bench.redis, logger: log.logger)
            for _ in 0..<12 { _ = try await reaper.reap(prefix: "dead") }
            #expect(try await untold(bench) == 2)
            #expect(try await tries(bench) == "0")
            #expect(log.words.first == "warning a process is dead: its jobs are back in the queue")
            #expect(
                Array(log.words.dropFirst())
                    == Array(
                        repeating:
                            "warning callers of jobs that died with a process could not be told; another worker tries again",
                        count: 12))
        }
    }

    @Test("Observers that saw the same: one tells, and the others hear that it was quicker")
    func observers() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SET", "{q}:in:box", "no list"])
            try await begun([#""box""#], bench)
            try await bench.function("reap", "q", ["dead", "*", "told"])
            let counter = try #require(
                try await bench.redis.execute(["HGET", "{q}:!untold", "dead"]).string.flatMap(Int64.init))
            let log = LogKeeper(.notice)
            let reaper = Reaper(redis: bench.redis, logger: log.logger)
            let connection = try await bench.redis.connection().get()
            for _ in 0..<8 {
                #expect(try await reaper.reap("dead", of: QueueName("q"), counter: counter, on: connection).get() == 0)
            }
            #expect(
                log.words == ["warning callers of jobs that died with a process could not be told; another worker tries again"])
            #expect(try await tries(bench) == "1", "that of the reaper which did not come back")
        }
    }

    @Test("An answer that arrived is not pushed again because what follows it is refused")
    func refusedAfterwards() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(
                ["ACL", "SETUSER", "teller", "on", "nopass", "~*", "+@all", "-hexists", "-expire"])
            let connection: RedisConnection = try await bench.redis.open(name: "teller")
            _ = try await connection.execute(["AUTH", "teller", "any"])
            let answer = DeadJobAnswer(queue: try QueueName("q"), logger: Logger(label: "test"))
            let job = Array(#"["work",[],"box","1"]"#.utf8)
            #expect(try await answer.send(.poison, job, on: connection).get() == .told)
            #expect(try await bench.redis.execute(["LLEN", "{q}:in:box"]).integer == 1)
            _ = try await bench.redis.execute(["ACL", "SETUSER", "teller", "-rpush"])
            #expect(try await answer.send(.poison, job, on: connection).get() != .told)
            _ = connection.close()
        }
    }

    @Test("A caller who is told twice hears it once")
    func twice() async throws {
        try await Bench.run { bench in
            let call = try await call(bench)
            try await bench.function("reap", "q", ["dead", "*", "told"])
            let lists = try await bench.function("reap", "q", ["dead", "*", "told"]).array?[3].array
            let payload = try #require(lists?[1].bytes)
            let answer = DeadJobAnswer(queue: try QueueName("q"), logger: Logger(label: "test"))
            let connection = try await bench.redis.connection().get()
            for _ in 0..<2 { #expect(try await answer.send(.interrupted, payload, on: connection).get() == .told) }
            await #expect { try await call.value } throws: { ($0 as? CallError)?.remoteCode == "interrupted" }
            try await withObserver(bench) {
                let next: Int = try await bench.client.call("work", queue: "q", timeout: .seconds(30))
                #expect(next == 1)
            }
        }
    }
}

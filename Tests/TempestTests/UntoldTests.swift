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

    private func untold(_ bench: Bench) async throws -> [String] {
        (try await bench.redis.execute(["HVALS", "{q}:!untold"]).array ?? []).compactMap(\.string)
    }

    private func expectTold(_ call: Task<Void, any Error>, _ bench: Bench) async throws {
        let start = ContinuousClock.now
        await #expect { try await call.value } throws: { ($0 as? CallError)?.remoteCode == "interrupted" }
        #expect(ContinuousClock.now - start < .seconds(10))
        try await eventually("it is on record that it was told") { try await untold(bench).isEmpty }
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
            #expect(try await untold(bench) == ["dead", "1"])
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
            for (word, inbox) in [("a", #""box""#), ("b", #""other""#), ("c", "null")] {
                try await bench.push(#"["work",[],\#(inbox),"\#(word)",{"once":true}]"#)
            }
            try await bench.register("dead")
            try await bench.function("claim", "q", ["dead", "1", "3", "1000000", "default"])
            try await bench.function("begin", "q", ["dead", "default.1", "default.2", "default.3"])
            let reaper = Reaper(redis: bench.redis, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            #expect(try await reaper.reap(prefix: "dead") == 3)
            #expect(try await bench.redis.execute(["LLEN", "{q}:in:other"]).integer == 1)
            #expect(try await untold(bench) == ["dead", "1"])
            _ = try await bench.redis.execute(["DEL", "{q}:in:box"])
            try await withObserver(bench) {
                let answer = try await bench.answer("box")
                #expect(answer.asArray?[3].asMap?["error"]?.asMap?["code"] == "interrupted")
                try await eventually("it is on record that it was told") { try await untold(bench).isEmpty }
            }
            #expect(try await bench.redis.execute(["LLEN", "{q}:in:other"]).integer == 1, "once")
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
            for _ in 0..<2 { #expect(try await answer.send(.interrupted, payload, on: connection).get()) }
            await #expect { try await call.value } throws: { ($0 as? CallError)?.remoteCode == "interrupted" }
            try await withObserver(bench) {
                let next: Int = try await bench.client.call("work", queue: "q", timeout: .seconds(30))
                #expect(next == 1)
            }
        }
    }
}

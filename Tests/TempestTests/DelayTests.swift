import Synchronization
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Delayed jobs")
struct DelayTests {
    /// Runs a worker that notes when each job was begun, by Redis' clock.
    private func times(_ body: (Bench, @escaping @Sendable () -> [String: Int64]) async throws -> Void) async throws {
        try await Bench.run { bench in
            let begun = Mutex<[String: Int64]>([:])
            let worker = try bench.worker()
            worker.handle("note") { (_: JobContext, name: String) in
                let now = try await bench.now()
                begun.withLock { $0[name] = now }
            }
            try await withRunning(worker) { try await body(bench) { begun.withLock { $0 } } }
        }
    }

    @Test("Each is begun when it is due, not before, also when a new one is due before all others")
    func due() async throws {
        try await times { bench, begun in
            let start = try await bench.now()
            try await bench.client.push("note", "hour", queue: "q", after: .seconds(3600))
            try await bench.client.push("note", "late", queue: "q", after: .milliseconds(1500))
            try await bench.client.push("note", "soon", queue: "q", after: .milliseconds(700))
            try await bench.client.push("note", "first", queue: "q", at: JobTime(milliseconds: start + 300))
            try await bench.client.push("note", "past", queue: "q", at: JobTime(milliseconds: 5))
            try await eventually("all but one have run") { begun().count == 4 }
            let times = begun().mapValues { $0 - start }
            let wanted: [(String, Int64)] = [("past", 0), ("first", 300), ("soon", 700), ("late", 1500)]
            for (name, due) in wanted {
                let time = try #require(times[name])
                // How late it was is measured where nothing else computes beside it: `make faults`, "delayed".
                #expect(time >= due, "\(name) was due at \(due), begun at \(time)")
            }
            #expect(times["first", default: 0] < times["soon", default: 0] && times["soon", default: 0] < times["late", default: 0])
            #expect(try await bench.client.statistics(QueueName("q")).delayed == 1)
        }
    }

    @Test("Equal payloads are as many jobs")
    func equal() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["FUNCTION", "LOAD", .init(FunctionLibrary.source)])
            let payload = RedisArgument(#"["note",["x"],null,"same"]"#)
            for _ in 0..<3 {
                _ = try await bench.redis.execute(
                    .fcall(FunctionLibrary.delay, key: "q", ["+100", "default", payload, payload]))
            }
            let runs = Mutex(0)
            let worker = try bench.worker()
            worker.handle("note") { (_: JobContext, _: String) in runs.withLock { $0 += 1 } }
            try await withRunning(worker) { try await eventually("six have run") { runs.withLock { $0 } == 6 } }
        }
    }
}

extension Bench {
    /// Redis' clock: milliseconds since 1970.
    func now() async throws -> Int64 {
        let parts = try await redis.execute(["TIME"]).array ?? []
        return (Int64(parts[0].string ?? "") ?? 0) * 1000 + (Int64(parts[1].string ?? "") ?? 0) / 1000
    }
}

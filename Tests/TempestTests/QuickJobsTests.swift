import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// Handlers that have shown to be quick run several in one task: what one of them does then is its own affair.
@Suite("Quick handlers that wait for once")
struct QuickJobsTests {
    /// Many waiting jobs of a handler that has been quick; every seventh waits at the gate.
    private func run(_ body: (Bench, Gate) async throws -> Void) async throws {
        try await Bench.run { bench in
            let gate = Gate()
            let worker = try bench.worker(concurrency: 100)
            worker.handle("x") { (_: JobContext, number: Int) in
                if number % 7 == 3 { try await gate.wait() }
                return number
            }
            try await withRunning(worker) {
                let pace = try #require(worker.table.snapshot["x"]).pace
                try await eventually("it has been quick") {
                    for number in 0..<20 { try await bench.push(#"["x",[\#(number * 7)],"warm","w"]"#) }
                    return pace.isQuick
                }
                let queue = try QueueName("q")
                _ = try await bench.client.pause(queue)
                for number in 0..<70 { try await bench.push(#"["x",[\#(number)],"in","job\#(number)"]"#) }
                _ = try await bench.client.resume(queue)
                try await eventually("those that do not wait are answered") { try await count(bench, "in") == 60 }
                #expect(try await bench.running() == 10)
                try await body(bench, gate)
            }
        }
    }

    private func count(_ bench: Bench, _ inbox: String) async throws -> Int {
        Int(try await bench.redis.execute(["LLEN", .init("{q}:in:\(inbox)")]).integer ?? 0)
    }

    @Test("The others that were claimed with them are answered meanwhile, and they when they have waited")
    func wait() async throws {
        try await run { bench, gate in
            gate.open()
            try await eventually("all are answered") { try await count(bench, "in") == 70 }
            let answers = try await bench.redis.execute(["LRANGE", "{q}:in:in", "0", "-1"]).array ?? []
            let numbers = try answers.compactMap { try JSONCodec().value($0.bytes ?? [])[2]?[0]?.asInt }
            #expect(numbers.sorted() == Array(0..<70))
        }
    }

    @Test("One of them that is cancelled takes no other along")
    func cancel() async throws {
        try await run { bench, gate in
            _ = try await bench.redis.execute(.fcall("tempest1_cancel", key: "q", ["job10", "60000"]))
            try await eventually("it is cancelled") { try await count(bench, "in") == 61 }
            #expect(try await bench.running() == 9)
            gate.open()
            try await eventually("all are answered") { try await count(bench, "in") == 70 }
            let answers = try await bench.redis.execute(["LRANGE", "{q}:in:in", "0", "-1"]).array ?? []
            let errors = try answers.compactMap { try JSONCodec().value($0.bytes ?? [])[3]?["error"]?["code"]?.asText }
            #expect(errors == ["cancelled"])
        }
    }
}

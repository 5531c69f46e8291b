import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// People say "for ever" by the longest duration there is, or by one that is long enough for them.
@Suite(.timeLimit(.minutes(2))) struct ForeverTests {
    static let times: [Duration] = [.seconds(10_000_000_000), .seconds(Int64.max)]

    @Test(arguments: times) func `a job that is put off for ever waits`(time: Duration) async throws {
        try await Bench.run { bench in
            try await bench.client.push("echo", 1, queue: "q", after: time)
            let statistics = try await bench.client.statistics(QueueName("q"))
            #expect((statistics.waiting, statistics.delayed) == (0, 1))
        }
    }

    @Test(arguments: times) func `a job that never expires runs, and a caller that waits for ever is answered`(
        time: Duration
    ) async throws {
        try await Bench.run { bench in
            var options = ClientOptions()
            options.patience = time
            let client = try TempestClient(redis: bench.configuration, options: options)
            let worker = try bench.worker(grace: time) { $0.lease = .seconds(10) }
            worker.handle("double") { (_: JobContext, number: Int) in 2 * number }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                let rules = JobOptions(timeout: time, expires: time)
                let answer: Int = try await client.call("double", 21, queue: "q", timeout: time, options: rules)
                #expect(answer == 42)
                try await client.push("double", 1, queue: "q", options: rules)
                try await eventually("it has run") { try await client.statistics(QueueName("q")).counts["settled"] == 2 }
                #expect(try await client.statistics(QueueName("q")).counts["expired"] ?? 0 == 0)
                worker.stop()
                try await group.waitForAll()
            }
            await client.shutdown()
        }
    }

    @Test func `a cancellation for ever is refused, and does not end the program`() async throws {
        try await Bench.run { bench in
            for time in Self.times {
                await #expect(throws: RedisError.self) {
                    try await bench.client.cancel(job: .random(), queue: QueueName("q"), for: time)
                }
            }
        }
    }

    @Test func `who goes away after having waited for ever cancels his job`() async throws {
        try await Bench.run { bench in
            var args = TokenBuffer()
            try args.text("x")
            let letter = Letter("echo", args: args, count: 1, queue: try QueueName("q"), codec: .json)
            let correspondence = try await bench.client.correspond(letter, patience: .seconds(Int64.max), window: 0)
            correspondence.end()
            try await eventually("it is cancelled") { try await bench.redis.execute(["EXISTS", "{q}:!cancelled"]).integer == 1 }
        }
    }
}

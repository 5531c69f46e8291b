import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Cancelling")
struct CancellationTests {
    let queue: QueueName
    init() throws { queue = try QueueName("q") }

    @Test("Ids are remembered for the time that is asked for, on that queue alone; seven days by default")
    func remembered() async throws {
        try await Bench.run { bench in
            let before = try await bench.client.time()
            #expect(try await bench.client.cancel(job: .text("a"), queue: queue) == 0)
            #expect(try await bench.client.cancel(job: .integer(-7), queue: queue, for: .milliseconds(60_000)) == 0)
            let after = try await bench.client.time()
            #expect(
                try await bench.function("cancelled", "q", ["a", "-7", "b"]) == .array([.integer(1), .integer(1), .integer(0)]))
            #expect(try await bench.function("cancelled", "r", ["a"]) == .array([.integer(0)]))
            let week = UInt64(try await bench.redis.execute(["ZSCORE", "{q}:!cancelled", "a"]).integer ?? 0)
            #expect((before + 604_800_000...after + 604_800_000).contains(week))
            let minute = UInt64(try await bench.redis.execute(["ZSCORE", "{q}:!cancelled", "-7"]).integer ?? 0)
            #expect((before + 60_000...after + 60_000).contains(minute))
        }
    }

    @Test("Workers that listen are told, and counted")
    func heard() async throws {
        try await Bench.run { bench in
            try await bench.redis.withSubscription(channels: ["{q}:!news"]) { news in
                let heard = try await bench.client.cancel(job: .text("a b"), queue: queue)
                var messages = news.makeAsyncIterator()
                let message = try await messages.next()
                #expect(heard == 1 && message?.payload == Array("cancel a b".utf8))
            }
        }
    }

    @Test(
        "What cannot be an id, and times that Redis would not keep, are refused before anything is sent",
        arguments: [
            (JobID.text(""), Duration.seconds(1)), (.text(String(repeating: "x", count: 129)), .seconds(1)),
            (.text("a\n"), .seconds(1)), (.text("a"), .zero), (.text("a"), .seconds(30 * 86_400 + 1)), (.text("a"), .seconds(-1)),
        ])
    func refused(_ id: JobID, _ time: Duration) async throws {
        try await Bench.run { bench in
            await #expect { try await bench.client.cancel(job: id, queue: queue, for: time) } throws: {
                ($0 as? RedisError)?.code == .badArgument
            }
            let remembered = try await bench.redis.execute(["EXISTS", "{q}:!cancelled"])
            #expect(remembered.integer == 0)
        }
    }
}

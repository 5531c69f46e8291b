import Foundation
import Tempest
import TempestProtocol
import TempestTesting
import Testing

/// A worker that is to stop while Redis is away, or hangs, ends in time: within its grace, and without anything to do within seconds.
@Suite("Workers that stop without Redis")
struct StopTests {
    enum Loss: CaseIterable { case gone, hanging }

    private func lose(_ redis: PrivateRedis, _ loss: Loss) async throws {
        switch loss {
        case .gone: try await redis.kill()
        case .hanging: try redis.send(.stop)
        }
    }

    private func ready(_ client: TempestClient) async throws {
        try await eventually("it is registered") { try await client.statistics(QueueName("q")).processes == 1 }
    }

    @Test(arguments: Loss.allCases)
    func `one with nothing to do ends within seconds`(_ loss: Loss) async throws {
        try await withPrivateRedis { redis in
            let client = try TempestClient(redis: RedisConfiguration(url: redis.url))
            try await Program.runner(["demo-worker", "q", "--grace", "60"], redis: redis).run { worker in
                try await ready(client)
                try await lose(redis, loss)
                let start = ContinuousClock.now
                try worker.send(.terminate)
                #expect(try await worker.waitForExit(within: .seconds(20)) == .exited(0))
                #expect(start.duration(to: .now) < .seconds(10))
            }
            if loss == .hanging { try redis.send(.resume) }
            await client.shutdown()
        }
    }

    @Test(arguments: Loss.allCases)
    func `one at work ends with its grace, or at a second signal`(_ loss: Loss) async throws {
        try await withPrivateRedis { redis in
            let client = try TempestClient(redis: RedisConfiguration(url: redis.url))
            for (grace, signals) in [("3", 1), ("60", 2)] {
                try await Program.runner(["demo-worker", "q", "--grace", grace, "--verbose"], redis: redis).run { worker in
                    try await ready(client)
                    try await client.push("sleep", 60, queue: "q")
                    // As the worker says itself: Redis knows of the claim before it does.
                    try await eventually("it runs") {
                        try await client.nodes().contains { $0.processes.contains { $0.note?.count == 1 } }
                    }
                    try await lose(redis, loss)
                    let start = ContinuousClock.now
                    try worker.send(.terminate)
                    if signals == 2 {
                        // The second is one only when the first was heard.
                        try await worker.waitForLine(within: .seconds(20)) { $0.contains("tempest worker stopping") }
                        try worker.send(.terminate)
                    }
                    #expect(try await worker.waitForExit(within: .seconds(30)) == .exited(0))
                    let took = start.duration(to: .now)
                    #expect(took < .seconds(20))
                    if signals == 1 { #expect(took > .milliseconds(2900)) }
                }
                if loss == .hanging { try redis.send(.resume) } else { try await redis.start() }
                _ = try await ProcessRunner("redis-cli", ["-s", redis.socketPath, "FLUSHALL"]).run { try await $0.waitForExit() }
            }
            await client.shutdown()
        }
    }
}

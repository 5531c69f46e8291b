import Foundation
import Tempest
import TempestProtocol
import TempestTesting
import Testing

@Suite("Workers that are killed")
struct KillTests {
    private func client(_ redis: PrivateRedis) throws -> TempestClient {
        try TempestClient(redis: RedisConfiguration(url: redis.url))
    }

    @Test("SIGKILL in the middle of a handler leaves the job in the run hash, never nowhere")
    func killed() async throws {
        try await withPrivateRedis { redis in
            let client = try client(redis)
            let queue = try QueueName("q")
            try await Program.runner(["demo-worker", "q"], redis: redis).run { worker in
                try await client.push("sleep", 60, queue: "q")
                try await eventually("the job runs") { try await client.statistics(queue).running == 1 }
                try worker.send(.kill)
                _ = try await worker.waitForExit()
                let after = try await client.statistics(queue)
                #expect(after.running == 1 && after.waiting == 0 && after.settled == 0)
            }
            await client.shutdown()
        }
    }

    @Test("The lease is kept while handlers block every thread of the pool")
    func beat() async throws {
        try await withPrivateRedis { redis in
            let client = try client(redis)
            let queue = try QueueName("q")
            try await Program.runner(["demo-worker", "q", "--concurrency", "64", "--lease", "0.3"], redis: redis).run { worker in
                func beats() async throws -> Int {
                    let words = ["-s", redis.socketPath, "HVALS", "{q}:!procs"]
                    return try await ProcessRunner("redis-cli", words).run { child in
                        _ = try await child.waitForExit()
                        return child.output.first.flatMap { Int($0) } ?? 0
                    }
                }
                try await client.push((0..<64).map { _ in try JobRequest("spin", 30) }, queue: "q")
                try await eventually("all threads are blocked") { try await client.statistics(queue).running == 64 }
                let before = try await beats()
                try await eventually("it beats on") { try await beats() >= before + 5 }
                #expect(try await client.statistics(queue).settled == 0, "nothing was finished meanwhile")
                try worker.send(.kill)
            }
            await client.shutdown()
        }
    }

    @Test(
        "SIGTERM and SIGINT end a worker with status 0, its jobs done or given back",
        arguments: [ProcessSignal.terminate, .interrupt])
    func terminated(_ signal: ProcessSignal) async throws {
        try await withPrivateRedis { redis in
            let client = try client(redis)
            let queue = try QueueName("q")
            try await Program.runner(["demo-worker", "q", "--concurrency", "2", "--grace", "0.2"], redis: redis).run { worker in
                try await client.push((0..<5).map { _ in try JobRequest("sleep", 60) }, queue: "q")
                try await eventually("two run") { try await client.statistics(queue).running == 2 }
                try worker.send(signal)
                #expect(try await worker.waitForExit() == .exited(0))
                let after = try await client.statistics(queue)
                #expect(after.waiting == 5 && after.running == 0 && after.processes == 0)
            }
            await client.shutdown()
        }
    }

    @Test("30 kills at random instants over 2,000 jobs: every job is answered or recorded")
    func loop() async throws {
        let seed = UInt64.random(in: 0...UInt64(UInt32.max))
        print("seed of the kill loop: \(seed)")
        var random = SeededRandom(seed)
        try await withPrivateRedis { redis in
            let client = try client(redis)
            let queue = try QueueName("q")
            let total = 2000
            let pushing = Task {
                for start in stride(from: 0, to: total, by: 20) {
                    // As they are worked off: for every worker that is killed some wait.
                    try await eventually(within: .seconds(120), "there is room") {
                        try await client.statistics(queue).waiting < 60
                    }
                    try await client.push((start..<start + 20).map { try JobRequest("nap", $0, 2) }, queue: "q")
                }
            }
            var kills = 0
            while kills < 30 {
                try await Program.runner(["demo-worker", "q", "--concurrency", "8"], redis: redis).run { worker in
                    // In the middle of its work, wherever that is after so many jobs.
                    let enough = try await client.statistics(queue).settled + .random(in: 1...60, using: &random)
                    try await eventually("it works") { try await client.statistics(queue).settled >= enough }
                    try worker.send(.kill)
                    _ = try await worker.waitForExit()
                }
                kills += 1
            }
            // Nobody takes over the jobs of the dead yet: what they held is in their run hashes and on their land lists.
            try await Program.runner(["demo-worker", "q"], redis: redis).run { _ in
                try await pushing.value
                try await eventually(within: .seconds(60), "the rest is done") { try await client.statistics(queue).waiting == 0 }
                try await eventually(within: .seconds(60), "nothing runs but what the dead hold") {
                    let now = try await client.statistics(queue)
                    return now.settled + now.running == total
                }
            }
            let end = try await client.statistics(queue)
            #expect(end.settled + end.running + end.waiting == total, "seed \(seed): \(end)")
            #expect(end.running <= 30 * (8 + 3), "a dead worker holds at most its slots and what had landed")
            await client.shutdown()
        }
    }
}

import NIOCore
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// How long clients wait for a Redis that is away (docs/redis-away.md).
@Suite("Clients while Redis is away")
struct RedisAwayTests {
    private func withClient(
        _ bench: Bench, patience: Duration, log: LogKeeper = LogKeeper(), _ body: (TempestClient) async throws -> Void
    ) async throws {
        var options = ClientOptions()
        (options.queue, options.patience) = ("q", patience)
        let client = try TempestClient(redis: bench.configuration, options: options, logger: log.logger)
        do { try await body(client) } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    @Test func `a push and a call wait for it`() async throws {
        try await Bench.run(.init(appendOnly: true)) { bench in
            let log = LogKeeper()
            func hasTried(_ times: Int) async throws {
                try await eventually("it has tried") { log.words.count { $0.contains("cannot use Redis") } == times }
            }
            try await withClient(bench, patience: .seconds(20), log: log) { client in
                try await bench.server.kill()
                async let id = client.push("note", 1)
                try await hasTried(1)
                try await bench.server.start()
                _ = try await id
                #expect(try await bench.redis.execute(["LLEN", "q"]).integer == 1, "once")
                _ = try await bench.redis.execute(["DEL", "q"])
                try await bench.server.kill()
                let answer = Task { () async throws -> Int in try await client.call("echo", 2, timeout: .seconds(30)) }
                try await hasTried(2)
                try await bench.server.start()
                let worker = try bench.worker()
                worker.handle("echo") { (_: JobContext, word: Int) in word }
                let two = try await withRunning(worker) { try await answer.value }
                #expect(two == 2)
            }
        }
    }

    @Test func `the error comes after the patience and names the host; a call waits no longer than its time-out`() async throws {
        try await Bench.run { bench in
            try await bench.server.kill()
            try await withClient(bench, patience: .milliseconds(700)) { client in
                for call in [false, true] {
                    let start = ContinuousClock.now
                    await #expect {
                        if call { try await client.call("a") } else { try await client.push("a") }
                    } throws: {
                        guard let error = $0 as? RedisError else { return false }
                        return error.message.contains(bench.server.socketPath)
                            && error.message.contains("is redis-server running")
                    }
                    #expect(start.duration(to: .now) >= .milliseconds(690) && start.duration(to: .now) < .seconds(10))
                }
            }
            try await withClient(bench, patience: .seconds(60)) { client in
                let start = ContinuousClock.now
                await #expect(throws: RedisError.self) { try await client.call("a", timeout: .milliseconds(300)) }
                #expect(start.duration(to: .now) < .seconds(10))
            }
            try await withClient(bench, patience: .zero) { client in
                let start = ContinuousClock.now
                await #expect(throws: RedisError.self) { try await client.push("a") }
                await #expect(throws: RedisError.self) { try await client.call("a") }
                #expect(start.duration(to: .now) < .seconds(5))
            }
        }
    }

    @Test func `credentials that are refused fail at once`() async throws {
        try await Bench.run(.init(arguments: ["--requirepass", "secret"])) { bench in
            var wrong = bench.configuration
            wrong.password = "wrong"
            var options = ClientOptions()
            options.patience = .seconds(60)
            let client = try TempestClient(redis: wrong, options: options, logger: LogKeeper().logger)
            let start = ContinuousClock.now
            await #expect { try await client.push("a") } throws: { ($0 as? RedisError)?.code == .authentication }
            await #expect { try await client.call("a") } throws: { ($0 as? RedisError)?.code == .authentication }
            #expect(start.duration(to: .now) < .seconds(10))
            await client.shutdown()
        }
    }
}

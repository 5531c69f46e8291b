// The test kit itself: private servers and child processes leave nothing behind and say why they failed.

import Foundation
import TempestTesting
import Testing

@testable import TempestRedis

@Suite("The test kit", .timeLimit(.minutes(2)))
struct PrivateRedisTests {
    @Test("removes the server and its folder, also when the body throws")
    func cleansUp() async throws {
        struct Leave: Error {}
        var left: (directory: String, processID: Int32)?
        await #expect(throws: Leave.self) {
            try await withPrivateRedis { redis in
                #expect(FileManager.default.fileExists(atPath: redis.socketPath))
                left = (redis.directory, redis.processID)
                throw Leave()
            }
        }
        let gone = try #require(left)
        #expect(!FileManager.default.fileExists(atPath: gone.directory))
        #expect(gone.processID > 0 && kill(gone.processID, 0) == -1 && errno == ESRCH)
    }

    @Test("removes the server when the task is cancelled, even while the server is halted")
    func cancelled() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: (String, Int32).self)
        let task = Task {
            try await withPrivateRedis { redis in
                try redis.send(.stop)
                continuation.yield((redis.directory, redis.processID))
                // Ends with the task's cancellation.
                for await _ in AsyncStream<Never>.makeStream().stream {}
            }
        }
        let (directory, processID) = try #require(await stream.first { _ in true })
        task.cancel()
        _ = await task.result
        #expect(!FileManager.default.fileExists(atPath: directory))
        #expect(kill(processID, 0) == -1 && errno == ESRCH)
    }

    @Test("keeps data over a restart when it is asked to")
    func restart() async throws {
        try await withPrivateRedis(.init(appendOnly: true)) { redis in
            let before = redis.processID
            try await withClient(redis.url) { _ = try await $0.execute(["SET", "a", "kept"]) }
            try await redis.restart()
            #expect(redis.processID != before)
            let kept = try await withClient(redis.url) { try await $0.execute(["GET", "a"]) }
            #expect(kept.string == "kept")
        }
    }

    @Test("shows what a server that does not start has said")
    func failure() async throws {
        let error = await #expect(throws: TestingError.self) {
            try await withPrivateRedis(.init(arguments: ["--no-such-option", "1"])) { _ in Issue.record("it started") }
        }
        #expect(error?.message.contains("no-such-option") == true)
    }

    @Test("reads a child's lines, sends it signals and knows how it ended")
    func children() async throws {
        let script = "trap 'echo bye; exit 3' TERM; echo one; echo $WORD >&2; while :; do sleep 0.02; done"
        try await ProcessRunner("sh", ["-c", script], environment: ["WORD": "two"], workingDirectory: "/tmp").run { child in
            try await child.waitForLine { $0 == "one" }
            try await child.waitForLine { $0 == "two" }
            try child.send(.terminate)
            #expect(try await child.waitForExit() == .exited(3))
            #expect(child.output == ["one", "two", "bye"])
            #expect(throws: TestingError.self) { try child.send(.terminate) }
            await #expect(throws: TestingError.self) { try await child.waitForLine(within: .milliseconds(50)) { $0 == "one" } }
        }
        let missing = try await ProcessRunner("/no/such/program").run { try await $0.waitForExit() }
        #expect(missing == .exited(127))
    }

    @Test("kills a child that does not end when it is asked to")
    func stubborn() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let script = "trap '' TERM; echo up; while :; do sleep 0.02; done"
        try await ProcessRunner("sh", ["-c", script]).run(grace: .milliseconds(100)) {
            _ = try await $0.waitForLine { $0 == "up" }
        }
        #expect(clock.now - start < .seconds(10))
    }
}

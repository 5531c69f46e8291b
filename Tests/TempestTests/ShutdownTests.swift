import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import TempestProtocol
import TempestTesting
import Testing

@testable import Tempest

@Suite("Stopping a worker")
struct ShutdownTests {
    @Test("A graceful shutdown lets running handlers finish and answer, and takes nothing more")
    func drains() async throws {
        try await Bench.run { bench in
            let started = Mutex(0)
            let release = Gate()
            let worker = try bench.worker(concurrency: 2)
            worker.handle("work") { (_: JobContext) in
                started.withLock { $0 += 1 }
                try await release.wait()
            }
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await worker.run() }
                    try await bench.client.push((0..<5).map { _ in try JobRequest("work") }, queue: "q")
                    try await eventually("two run") { started.withLock { $0 } == 2 }
                    trigger.triggerGracefulShutdown()
                    try await eventually("it stops") { !worker.readiness.isReady }
                    release.open()
                    try await group.waitForAll()
                }
            }
            let after = try await bench.client.statistics(QueueName("q"))
            #expect(after.settled == 2 && after.waiting == 3 && after.running == 0 && after.processes == 0)
        }
    }

    @Test("Past the grace time jobs go back to the head of their queue in order, and handlers are cancelled")
    func grace() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker(concurrency: 2, grace: .milliseconds(100))
            let cancelled = Mutex(0)
            let started = Mutex(0)
            worker.handle("work") { (_: JobContext, _: Int) in
                started.withLock { $0 += 1 }
                do { try await Gate().wait() } catch {
                    cancelled.withLock { $0 += 1 }
                    throw error
                }
            }
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await worker.run() }
                    try await bench.client.push((0..<4).map { try JobRequest("work", $0) }, queue: "q")
                    try await eventually("two run") { started.withLock { $0 } == 2 }
                    trigger.triggerGracefulShutdown()
                    try await group.waitForAll()
                }
            }
            #expect(cancelled.withLock { $0 } == 2)
            let waiting = try await bench.client.peek(QueueName("q"), level: .default, count: 10)
            #expect(waiting.map { $0.job?.args[0].int } == [0, 1, 2, 3])
            #expect(try await bench.client.statistics(QueueName("q")).processes == 0)
        }
    }

    @Test("It stops while Redis is away, past the grace time also when a handler runs", arguments: [0, 1])
    func withoutRedis(_ jobs: Int) async throws {
        try await Bench.run { bench in
            let worker = try bench.worker(grace: .milliseconds(300))
            let started = Mutex(0)
            worker.handle("sleep") { (_: JobContext) in
                started.withLock { $0 += 1 }
                try await Gate().wait()
            }
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await worker.run() }
                    try await eventually("it is ready") { worker.readiness.isReady }
                    try await bench.client.push((0..<jobs).map { _ in try JobRequest("sleep") }, queue: "q")
                    try await eventually("they run") { started.withLock { $0 } == jobs }
                    try await bench.server.kill()
                    try await eventually("it noticed") { !worker.readiness.isReady }
                    let start = ContinuousClock.now
                    trigger.triggerGracefulShutdown()
                    try await group.waitForAll()
                    #expect(start.duration(to: .now) < .seconds(20))
                }
            }
        }
    }

    @Test("A client that is shut down ends its waiting calls and unregisters its inbox")
    func client() async throws {
        try await Bench.run { bench in
            let client = try TempestClient(redis: bench.configuration)
            let answer = Task { let _: Int = try await client.call("nobody", queue: "q", timeout: .seconds(60)) }
            try await eventually("the job waits") { try await bench.client.statistics(QueueName("q")).waiting == 1 }
            #expect(try await bench.client.statistics(QueueName("q")).inboxes == 1)
            await client.shutdown()
            await #expect { try await answer.value } throws: { ($0 as? CallError)?.code == .closed }
            #expect(try await bench.client.statistics(QueueName("q")).inboxes == 0)
        }
    }

    @Test("A cancelled call ends at once")
    func cancelled() async throws {
        try await Bench.run { bench in
            let call = Task { let _: Int = try await bench.client.call("nobody", queue: "q", timeout: .seconds(60)) }
            try await eventually("the job waits") { try await bench.client.statistics(QueueName("q")).waiting == 1 }
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }
}

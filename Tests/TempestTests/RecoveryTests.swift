import Logging
import Synchronization
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Connections, servers and libraries that go away")
struct RecoveryTests {
    /// A worker that echoes, while the body does harm; afterwards it must answer again.
    private func survives(_ options: PrivateRedis.Options = .init(), _ harm: (Bench) async throws -> Void) async throws {
        try await Bench.run(options) { bench in
            let worker = try bench.worker()
            worker.handle("echo") { (_: JobContext, text: String) in text }
            try await withRunning(worker) {
                #expect(try await bench.client.call("echo", "before", queue: "q") == "before")
                try await harm(bench)
                try await eventually(within: .seconds(20), "it answers again") {
                    (try? await bench.client.call("echo", "after", queue: "q", timeout: .seconds(2), as: String.self)) == "after"
                }
                try await eventually("it is ready") { worker.readiness.isReady }
                #expect(try await bench.running() == 0)
            }
        }
    }

    @Test("All connections are killed")
    func killed() async throws {
        try await survives { bench in
            _ = try await bench.redis.execute(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
        }
    }

    @Test("A password that is exchanged under a worker loses nothing: neither a result, nor an answer to another queue")
    func password() async throws {
        try await Bench.run { bench in
            let redis = bench.redis
            _ = try await redis.execute(["ACL", "SETUSER", "me", "on", ">mine", "~*", "&*", "+@all"])
            var options = WorkerOptions()
            options.lease = .seconds(60)
            var logger = Logger(label: "test.worker")
            logger.logLevel = .critical
            let url = bench.server.url.replacing("unix://", with: "unix://me:mine@")
            let worker = try Worker(queues: ["q"], redis: RedisConfiguration(url: url), options: options, logger: logger)
            let gate = Gate()
            let begun = Mutex(0)
            worker.handle("hold") { (_: JobContext, word: String) in
                begun.withLock { $0 += 1 }
                try await gate.wait()
                return word
            }
            try await withRunning(worker) {
                let call = Task {
                    try await bench.client.call("hold", "called", queue: "q", timeout: .seconds(60), as: String.self)
                }
                try await bench.client.push("hold", "pushed", queue: "q")
                try await bench.push(#"["hold",["elsewhere"],"box@other","7"]"#)
                try await eventually("all began") { begun.withLock { $0 } == 3 }
                _ = try await redis.execute(["ACL", "SETUSER", "me", "resetpass", ">another"])
                _ = try await redis.execute(["CLIENT", "KILL", "USER", "me"])
                gate.open()
                try await eventually("it is not let in") {
                    try await redis.execute(["ACL", "LOG"]).array?.isEmpty == false
                }
                _ = try await redis.execute(["ACL", "SETUSER", "me", ">mine"])
                #expect(try await call.value == "called")
                #expect(try await bench.answer("box", queue: "other") == ["hold", "7", ["elsewhere"]])
                try await eventually("all are settled") { try await bench.client.statistics(QueueName("q")).settled == 3 }
            }
            #expect(begun.withLock { $0 } == 3)
            #expect(try await bench.dead().isEmpty)
        }
    }

    @Test("Redis is killed and started again")
    func restart() async throws { try await survives(.init(appendOnly: true)) { try await $0.server.restart() } }

    @Test("FUNCTION FLUSH")
    func functions() async throws { try await survives { _ = try await $0.redis.execute(["FUNCTION", "FLUSH"]) } }

    @Test("FLUSHALL: the worker is fenced and begins anew, the caller's inbox is registered again")
    func flushed() async throws { try await survives { _ = try await $0.redis.execute(["FLUSHALL"]) } }

    @Test("No job is lost or settled twice while connections are killed again and again")
    func cuts() async throws {
        try await Bench.run { bench in
            let runs = Mutex<[Int: Int]>([:])
            let worker = try bench.worker(concurrency: 20)
            worker.handle("note") { (_: JobContext, number: Int) in
                runs.withLock { $0[number, default: 0] += 1 }
                await Task.yield()
            }
            let total = 3000
            try await withRunning(worker) {
                try await bench.client.push(try (0..<total).map { try JobRequest("note", $0) }, queue: "q")
                for round in 0..<10 {
                    try await eventually("some more are settled") {
                        // Our own look may be cut off as well.
                        ((try? await bench.client.statistics(QueueName("q")))?.settled ?? 0) >= round * total / 12
                    }
                    _ = try await bench.redis.execute(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
                }
                try await eventually(within: .seconds(60), "all are settled") {
                    guard let now = try? await bench.client.statistics(QueueName("q")) else { return false }
                    return now.settled == total && now.waiting == 0 && now.running == 0
                }
            }
            #expect(runs.withLock { $0.count } == total)
            #expect(runs.withLock { $0.values.filter { $0 > 1 }.count } == 0, "a cut connection is no reason to run a job again")
        }
    }

    @Test("A full Redis still drains: workers poll where they cannot park")
    func full() async throws {
        try await Bench.run { bench in
            let queue = try QueueName("q")
            try await bench.client.push(
                (0..<200).map { _ in try JobRequest("f", String(repeating: "x", count: 1000)) }, queue: "q")
            _ = try await bench.redis.execute(["CONFIG", "SET", "maxmemory-policy", "noeviction"])
            let worker = try bench.worker()
            worker.handle("f") { (_: JobContext, _: String) in }
            try await withRunning(worker) {
                try await eventually("the first are settled") { try await bench.client.statistics(queue).settled == 200 }
                _ = try await bench.redis.execute(["CONFIG", "SET", "maxmemory", "1"])
                await #expect { try await bench.client.push("f", "y", queue: "q") } throws: {
                    ($0 as? RedisError)?.code == .memory
                }
                _ = try await bench.redis.execute(["CONFIG", "SET", "maxmemory", "0"])
                try await bench.client.push("f", "y", queue: "q")
                try await eventually("there is room again") { try await bench.client.statistics(queue).settled == 201 }
            }
        }
    }

    @Test("A Redis that comes back from an older state does not let one job's outcome settle another")
    func rollback() async throws {
        try await Bench.run(.init(arguments: ["--save", "3600 1000000"])) { bench in
            let release = Gate()
            let answers = NoteList()
            let worker = try bench.worker(concurrency: 4)
            worker.handle("wait") { (_: JobContext, name: String) in
                try await release.wait()
                answers.add(name)
                return name
            }
            try await withRunning(worker) {
                let queue = try QueueName("q")
                // Registered, but without a claim: that is the state to which Redis will return.
                _ = try await bench.redis.execute(["SAVE"])
                try await bench.client.push("wait", "first", queue: "q")
                try await eventually("the first runs") { try await bench.client.statistics(queue).running == 1 }
                try await bench.server.restart()
                try await eventually(within: .seconds(20), "the worker is back") {
                    guard worker.readiness.isReady, let now = try? await bench.client.statistics(queue) else { return false }
                    return now.processes == 1
                }
                try await bench.push(#"["wait",["second"],"in","x"]"#)
                try await eventually("the second runs") { try await bench.client.statistics(queue).running == 1 }
                release.open()
                #expect(try await bench.answer("in") == ["wait", "x", ["second"]])
                try await eventually("it is settled") { try await bench.client.statistics(queue).running == 0 }
            }
        }
    }

    @Test("One lost connection is one reconnect, not a storm of them")
    func storm() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("echo") { (_: JobContext, text: String) in text }
            try await withRunning(worker) {
                func received() async throws -> Int {
                    let stats = try await bench.redis.execute(["INFO", "stats"]).string ?? ""
                    let line = stats.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_connections_received:") }
                    return line.flatMap { Int($0.split(separator: ":")[1]) } ?? 0
                }
                try await eventually("it is parked") {
                    (try await bench.redis.execute(["INFO", "clients"]).string ?? "").contains("blocked_clients:3")
                }
                let before = try await received()
                let list = try await bench.redis.execute(["CLIENT", "LIST"]).string ?? ""
                let parked = try #require(list.split(whereSeparator: \.isNewline).first { $0.contains("cmd=blmove") })
                let id = try #require(parked.split(separator: " ").first?.split(separator: "=").last)
                _ = try await bench.redis.execute(["CLIENT", "KILL", "ID", .init(String(id))])
                try await eventually("it noticed") { try await received() > before }
                #expect(try await bench.client.call("echo", "after", queue: "q") == "after")
                try await eventually("it is parked again") {
                    (try await bench.redis.execute(["INFO", "clients"]).string ?? "").contains("blocked_clients:")
                }
                // A main connection and three to park, and the client's two.
                #expect(try await received() - before <= 8)
            }
        }
    }
}

import Logging
import Synchronization
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// A worker or a client of a user who has exactly the rights of his row in protocol/queues.md. Redis keeps a log of what it has refused,
/// which finds what nobody would see otherwise: work that went on without.
struct RightsBench {
    /// As an administrator, but for `configuration`: that is the user's.
    let bench: Bench
    let name: String

    static func run(
        _ who: String, name: String = "bob", queues: [String] = ["q"], denials: [String] = [],
        _ body: (RightsBench) async throws -> Void
    ) async throws {
        try await Bench.run { all in
            _ = try await all.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(FunctionLibrary.source)])
            let url = try await all.server.user(who, name: name, queues: queues)
            let bench = Bench(
                server: all.server, configuration: try RedisConfiguration(url: url), client: all.client, redis: all.redis)
            try await body(RightsBench(bench: bench, name: name))
            #expect(try await all.server.denials() == denials)
        }
    }

    /// A client of the user.
    func withClient(_ body: (TempestClient) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = try TempestClient(redis: bench.configuration, logger: logger)
        do {
            try await body(client)
            await client.shutdown()
        } catch {
            await client.shutdown()
            throw error
        }
    }

    func change(_ words: String...) async throws {
        let rule = ["ACL", "SETUSER", name] + words
        _ = try await bench.redis.execute(RedisCommand(rule.map { .init($0) }))
    }

    func count(_ name: String) async throws -> Int { try await bench.client.statistics(QueueName("q")).counts[name] ?? 0 }

    /// A worker of the user, whose handlers use no Redis of their own.
    func worker(
        concurrency: Int = 10, grace: Duration = .seconds(5), gate: Gate = Gate(), begun: NoteList = NoteList(),
        logger: Logger? = nil, _ change: (inout WorkerOptions) -> Void = { _ in }
    ) throws -> Worker {
        var options = WorkerOptions()
        (options.concurrency, options.grace, options.name) = (concurrency, grace, "test")
        change(&options)
        var quiet = Logger(label: "test.worker")
        quiet.logLevel = .critical
        let worker = try Worker(
            queues: ["q"], redis: bench.configuration, options: options, logger: logger ?? quiet)
        worker.handle("echo") { (_: JobContext, word: Int) in word }
        worker.handle("count") { (context: JobContext, to: Int) in
            for number in 0..<to { try await context.send(number) }
            return -1
        }
        worker.handle("hold") { (_: JobContext, word: String) in
            begun.add(word)
            try await gate.wait()
            return word
        }
        let soon = RetryPolicy(attempts: 4, first: .milliseconds(50), longest: .milliseconds(50))
        worker.handle("flaky", retry: soon) { (context: JobContext, good: Int) in
            guard context.attempt >= good else { throw HandlerError(code: "not_yet", message: "again") }
            return context.attempt
        }
        worker.handle("again", retry: RetryPolicy(attempts: 2)) { (context: JobContext) in
            if context.attempt == 1 { throw context.retry(after: .zero) }
            return context.attempt
        }
        worker.handle("session") { (context: JobContext) in
            guard let session = context.session else { return 0 }
            try await session.set("user", to: "anna")
            try await session.set("gone", to: 1)
            try await session.remove("gone")
            return try await session.get("user", as: String.self) == "anna" ? try await session.all().count : 0
        }
        return worker
    }
}

@Suite("Exactly the rights that protocol/queues.md lists suffice", .timeLimit(.minutes(3)))
struct RightsTests {
    @Test("to a producer, for jobs of each level, and such as expire")
    func producer() async throws {
        try await RightsBench.run("producer") { bench in
            try await bench.withClient { client in
                for level in Level.customary {
                    try await client.push("echo", 1, queue: "q", level: level, options: JobOptions(expires: .seconds(60)))
                }
                try await client.push((0..<3).map { try JobRequest("echo", $0) }, queue: "q")
            }
        }
    }

    @Test("to a producer of delayed jobs, for later, for soon and for now")
    func delayed() async throws {
        try await RightsBench.run("producer of delayed jobs") { bench in
            _ = try await bench.bench.redis.execute(["HSET", "{q}:!clock", "keeper", "p.1"])
            try await bench.withClient { client in
                for milliseconds in [60_000, 500, 0] {
                    try await client.push("echo", 1, queue: "q", after: .milliseconds(milliseconds))
                }
                for level in Level.customary { try await client.push("echo", 1, queue: "q", level: level) }
            }
        }
    }

    @Test("to a publisher, for events that are kept and for others")
    func publisher() async throws {
        try await RightsBench.run("publisher of events") { bench in
            try await bench.withClient { client in
                _ = try await client.publish(channel: "news", data: ["a": 1])
                _ = try await client.publish(channel: "news", data: "now", keep: 0)
                try await client.endStreams(channel: "news")
            }
        }
    }

    @Test("to a caller, for calls, streams, delayed jobs, cancellations, and what follows a cut connection")
    func caller() async throws {
        try await RightsBench.run("caller") { bench in
            let queue = try QueueName("q")
            let admin = try RedisConfiguration(url: bench.bench.server.url)
            let worker = try Worker(queues: ["q"], redis: admin, logger: LogKeeper().logger)
            let begun = NoteList()
            worker.handle("echo") { (_: JobContext, word: Int) in word }
            worker.handle("count") { (context: JobContext) in for n in 0..<500 { try await context.send(n) } }
            worker.handle("hold") { (_: JobContext) in
                begun.add("")
                try await Gate().wait()
            }
            try await withRunning(worker) {
                try await bench.withClient { client in
                    #expect(try await client.call("echo", 1, queue: "q") == 1)
                    var sum = 0
                    for try await number in try await client.stream("count", queue: "q", of: Int.self) { sum += number }
                    #expect(sum == 499 * 250)
                    for try await _ in try await client.stream("count", queue: "q", of: Int.self) { break }
                    await #expect(throws: CallError.self) {
                        try await client.call("hold", queue: "q", timeout: .seconds(2))
                    }
                    try await client.push("echo", 1, queue: "q", after: .milliseconds(50))
                    try await client.push("echo", 1, queue: "q", after: .seconds(60))
                    let job = try await client.push("hold", queue: "q")
                    try await eventually("it runs") { begun.all.count == 2 }
                    #expect(try await client.cancel(job: job, queue: queue) > 0)
                    try await eventually("it was cancelled") { try await bench.count("cancelled") == 1 }
                    _ = try await bench.bench.redis.execute(["CLIENT", "KILL", "USER", "bob"])
                    try await eventually("it is back") {
                        (try? await client.call("echo", 2, queue: "q", timeout: .seconds(2), as: Int.self)) == 2
                    }
                }
            }
        }
    }

    @Test("to a worker and a caller in a database other than 0, who need the right to select it besides")
    func database() async throws {
        try await RightsBench.run("worker", denials: ["bob command select"]) { bench in
            var configuration = bench.bench.configuration
            configuration.database = 5
            let here = configuration
            let begun = NoteList()
            func worker() throws -> Worker {
                let worker = try Worker(queues: ["q"], redis: here, logger: LogKeeper().logger)
                worker.handle("hold") { (context: JobContext) in
                    begun.add("\(context.job.id)")
                    try await Gate().wait()
                }
                worker.handle("echo") { (_: JobContext, word: Int) in word }
                return worker
            }
            let error = await #expect(throws: RedisError.self) { try await worker().run() }
            #expect(
                error?.code == .permission && error?.message.contains(#"may not run "select""#) == true,
                "\(String(describing: error))")
            try await bench.change("+select")
            var callers = try RedisConfiguration(url: try await bench.bench.server.user("caller", name: "eve"))
            callers.database = 5
            _ = try await bench.bench.redis.execute(["ACL", "SETUSER", "eve", "+select"])
            let client = try TempestClient(redis: callers, logger: LogKeeper().logger)
            try await withRunning(try worker()) {
                #expect(try await client.call("echo", 5, queue: "q", timeout: .seconds(20)) == 5)
                let job = try await client.push("hold", queue: "q")
                try await eventually("it runs") { begun.all == ["\(job)"] }
                #expect(try await client.cancel(job: job, queue: QueueName("q")) == 1, "the worker hears of it")
            }
            await client.shutdown()
        }
    }

    @Test("to a worker, for answers, attempts, routes, dead jobs, credits and sessions")
    func worker() async throws {
        try await RightsBench.run("worker with sessions", queues: ["q", "other"]) { bench in
            let (client, redis) = (bench.bench.client, bench.bench.redis)
            try await withRunning(try bench.worker { $0.lease = .seconds(2) }) {
                for level in Level.customary { #expect(try await client.call("echo", 1, queue: "q", level: level) == 1) }
                var numbers: [Int] = []
                for try await number in try await client.stream("count", 3, queue: "q", of: Int.self) {
                    numbers.append(number)
                }
                #expect(numbers == [0, 1, 2, -1])
                #expect(try await client.call("flaky", 3, queue: "q") == 3)
                #expect(try await client.call("again", queue: "q") == 2)
                #expect(try await client.call("echo", 5, queue: "q", options: JobOptions(once: true)) == 5)
                // A route: one step, two in parallel, and what gathers them.
                let parallel = #"[{"action":"echo"},{"action":"echo"}]"#
                let route = #"[{"action":"echo"},\#(parallel),{"action":"count"}]"#
                try await bench.bench.push(#"["echo",[1],"routed","r",{"route":\#(route)}]"#)
                _ = try await bench.bench.answer("routed")
                // Dead jobs: more than one, and one that is too old to be kept.
                _ = try await redis.execute([
                    "XADD", "{q}:!dead", "1-1", "job", "x", "level", "default", "reason", "poison", "detail", "", "by", "p",
                    "tries", "1",
                ])
                _ = try await redis.execute(["HSET", "{q}:!counts", "dead_bytes", "1"])
                let before = try await bench.count("dead")
                for _ in 0..<2 { try await client.push("flaky", 9, queue: "q", options: JobOptions(attempts: 1)) }
                try await bench.bench.push("no job at all")
                try await eventually("all are dead") { try await bench.count("dead") == before + 3 }
                try await bench.bench.push(#"["echo",[7],"box@other","7"]"#)
                #expect(try await bench.bench.answer("box", queue: "other") == ["echo", "7", [7]])
                try await bench.bench.push(#"["count",[5],"flow","flow",{"credits":2}]"#)
                _ = try await bench.bench.answer("flow")
                try await bench.bench.function("credit", "q", ["flow", "6"])
                for _ in 0..<5 { _ = try await bench.bench.answer("flow") }
                try await bench.bench.push(
                    #"["session",[],"visit","v",{"session":"\#(String(repeating: "s", count: 43))"}]"#)
                #expect(try await bench.bench.answer("visit") == ["session", "v", [1]])
            }
        }
    }

    @Test("to a worker, for delayed jobs, sweeps, paused levels and cancellations")
    func keeper() async throws {
        try await RightsBench.run("worker") { bench in
            let (client, redis) = (bench.bench.client, bench.bench.redis)
            _ = try await redis.execute(["HSET", "{q}:!inboxes", "gone", "5", "gone#", "0"])
            _ = try await redis.execute(["HSET", "{q}:!idle", "gone", "5/2"])
            _ = try await redis.execute(["ZADD", "{q}:!cancelled", "1", "long ago"])
            _ = try await redis.execute(["ZADD", "{q}:!grave", "1", "p.1", "9e15", "p.2"])
            _ = try await redis.execute(["SADD", "{q}:!levels", "high"])
            _ = try await redis.execute(["RPUSH", "{q}:!land:p.2:high", #"["echo",[1],null,"landed"]"#])
            let begun = NoteList()
            try await withRunning(try bench.worker(begun: begun)) {
                try await eventually("an inbox is swept") { try await redis.execute(["EXISTS", "{q}:!idle"]).integer == 0 }
                try await eventually("what landed is found") { try await bench.count("settled") == 1 }
                try await client.push("echo", 1, queue: "q", after: .milliseconds(300))
                try await client.push("echo", 1, queue: "q", after: .milliseconds(1500))
                try await eventually("both are promoted") { try await bench.count("settled") == 3 }
                _ = try await redis.execute(["ZADD", "{q}:!delayed", "1", "no job of ours"])
                try await eventually("it goes") { try await redis.execute(["EXISTS", "{q}:!delayed"]).integer == 0 }
                let running = try await client.push("hold", "x", queue: "q")
                try await eventually("it runs") { begun.all.count == 1 }
                try await client.pause(QueueName("q"), levels: [.default])
                let waiting = try await client.push("echo", 1, queue: "q")
                #expect(try await client.call("echo", 1, queue: "q", level: .high) == 1)
                _ = try await client.cancel(job: waiting, queue: QueueName("q"))
                _ = try await client.cancel(job: running, queue: QueueName("q"))
                try await eventually("one is told") { try await bench.count("cancelled") == 1 }
                try await client.resume(QueueName("q"))
                try await eventually("the other is skipped") { try await bench.count("cancelled") == 2 }
            }
        }
    }

    @Test("to a worker, for jobs of unknown actions")
    func unknown() async throws {
        try await RightsBench.run("worker") { bench in
            let (client, redis) = (bench.bench.client, bench.bench.redis)
            try await withRunning(try bench.worker()) {
                // Else nobody has been there before the job, and it waits for those that may come back.
                try await eventually("somebody keeps the clock") {
                    try await redis.execute(["HEXISTS", "{q}:!clock", "swept"]).integer == 1
                }
                try await client.push("rare", 1, queue: "q")
                try await eventually("it waits") { try await redis.execute(["EXISTS", "{q}:!unknown"]).integer == 1 }
                let other = try bench.worker()
                other.handle("rare") { (_: JobContext, word: Int) in word }
                try await withRunning(other) {
                    try await eventually("it was run") { try await bench.count("settled") == 1 }
                }
                #expect(try await bench.count("dead") == 0)
                try await client.push("unheard", queue: "q")
                try await eventually("it waits") { try await redis.execute(["EXISTS", "{q}:!unknown"]).integer == 1 }
                // It has waited for long, and nobody was there who knew it; beside it is something that is no kind.
                for key in try await redis.execute(["KEYS", "{q}:!unknown:*"]).array?.compactMap(\.string) ?? [] {
                    for member in try await redis.execute(["ZRANGE", .init(key), "0", "-1"]).array?.compactMap(\.bytes) ?? [] {
                        _ = try await redis.execute(["ZADD", .init(key), "1", .init(member)])
                    }
                }
                _ = try await redis.execute(["HSET", "{q}:!known", "default:unheard", "1"])
                _ = try await redis.execute(["ZADD", "{q}:!unknown", "1", "no kind", "1", "default:unheard"])
                try await eventually("it is given up") { try await bench.count("dead") == 1 }
            }
        }
    }

    @Test("to a worker, to take back what a dead one held: its connections, suspects, and jobs that are to run once")
    func reaping() async throws {
        try await RightsBench.run("worker") { bench in
            let (client, redis) = (bench.bench.client, bench.bench.redis)
            try await client.push("echo", 1, queue: "q", options: JobOptions(once: true))
            try await bench.bench.push(#"["echo",[2],"told","t",{"once":true}]"#)
            try await client.push("echo", 3, queue: "q")
            try await client.push("echo", 4, queue: "q")
            _ = try await redis.execute(["HSET", "{q}:!tries", .init(Self.digest), "1"])
            let left = try await redis.open(name: "tempest:w.1")
            _ = try await bench.bench.function(
                "hello", "q", ["w.1", "new", .init("\(left.serverRunID)/\(left.clientID)"), "lease/300"])
            let claimed = try await bench.bench.function("claim", "q", ["w.1", "1", "10", "1000000", "default"])
            #expect(claimed.array?[3].array?.count == 4)
            _ = try await bench.bench.function("begin", "q", ["w.1", "default.1", "default.2"])
            // Crashed once before: it is to run alone.
            let suspect = try await redis.execute(["HGET", "{q}:!run:w.1", "default.3"]).bytes ?? []
            _ = try await bench.bench.function("settle", "q", ["w.1", "default.3", "done", "", ""])
            _ = try await redis.execute(["RPUSH", "{q}:!suspect", .init(Array("default:".utf8) + suspect)])
            try await withRunning(try bench.worker()) {
                let answer = try await bench.bench.answer("told")
                #expect(answer[3]?["error"]?["code"] == "interrupted")
                try await eventually("all have run") { try await bench.count("settled") == 3 }
                try await eventually("its connection was ended") {
                    try await redis.execute(["CLIENT", "LIST"]).string?.contains("tempest:w.1") == false
                }
            }
        }
    }

    /// Of a payload that nobody has.
    private static let digest = String(repeating: "0", count: 40)

    @Test("to a worker, to go on after cut connections, a fencing and a flush")
    func recovery() async throws {
        try await RightsBench.run("worker") { bench in
            let (client, redis, gate, begun) = (bench.bench.client, bench.bench.redis, Gate(), NoteList())
            try await withRunning(try bench.worker(gate: gate, begun: begun)) {
                try await client.push("hold", "cut", queue: "q")
                try await eventually("it runs") { begun.all.count == 1 }
                for _ in 0..<3 {
                    _ = try await redis.execute(["CLIENT", "KILL", "USER", "bob"])
                    #expect(try await client.call("echo", 1, queue: "q", timeout: .seconds(20)) == 1)
                }
                gate.open()
                try await eventually("it is settled") { try await bench.count("settled") == 4 }
                #expect(try await Reaper(redis: redis, logger: Logger(label: "test")).reap(prefix: "test.") == 0)
                #expect(try await client.call("echo", 2, queue: "q", timeout: .seconds(20)) == 2)
                _ = try await redis.execute(["FLUSHALL"])
                #expect(try await client.call("echo", 3, queue: "q", timeout: .seconds(20)) == 3)
            }
        }
    }

    @Test("to a worker, to be on record, to be quiet, to stop, and to give back what still runs")
    func orders() async throws {
        try await RightsBench.run("worker") { bench in
            let (client, redis, begun) = (bench.bench.client, bench.bench.redis, NoteList())
            let worker = try bench.worker(grace: .milliseconds(300), begun: begun)
            try await withRunning(worker) {
                try await client.push("hold", "x", queue: "q")
                try await eventually("it runs") { begun.all.count == 1 }
                try await eventually("it is on record") { try await redis.execute(["HLEN", "tempest:nodes"]).integer == 1 }
                #expect(try await client.queues().map(\.description) == ["q"])
                try await eventually("it hears") { try await client.tell(.quiet, to: "*") == 1 }
                try await eventually("it is quiet") { try await client.nodes().first?.record?.state == .quiet }
                try await client.tell(.stop, to: "*")
                try await eventually("it has gone") { try await redis.execute(["HLEN", "tempest:nodes"]).integer == 0 }
            }
            #expect(try await redis.execute(["LLEN", "q"]).integer == 1)
        }
    }
}

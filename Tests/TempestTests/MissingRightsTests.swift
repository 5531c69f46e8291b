import Logging
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("A right that is missing", .timeLimit(.minutes(2)))
struct MissingRightsTests {
    /// The errors of a worker's log that have these words.
    private static func errors(_ log: LogKeeper, _ words: String) -> Int {
        log.entries.count { $0.level == .error && $0.line.contains(words) }
    }

    @Test("is named to a producer, a caller and a publisher")
    func clients() async throws {
        try await RightsBench.run("worker", denials: Self.clientDenials) { bench in
            try await bench.withClient { client in
                func refusal(
                    _ words: [String], _ says: String, _ body: () async throws -> Void
                ) async throws {
                    let rule = ["ACL", "SETUSER", "bob"] + words
                    _ = try await bench.bench.redis.execute(RedisCommand(rule.map { .init($0) }))
                    let error = await #expect(throws: RedisError.self) { try await body() }
                    #expect(error?.code == .permission && error?.message.contains(says) == true, "\(String(describing: error))")
                    #expect(error?.message.contains("protocol/queues.md") == true)
                }
                try await refusal(["-rpush"], #"the Redis user "bob" may not run "rpush""#) {
                    try await client.push("echo", queue: "q")
                }
                try await refusal(["+rpush", "resetkeys"], #"the Redis user "bob" may not use a key of this command"#) {
                    try await client.push("echo", queue: "q")
                }
                try await refusal(["~*", "-zadd"], "may not run a command of the function tempest1_delay") {
                    try await client.push("echo", queue: "q", after: .seconds(60))
                }
                try await refusal(["+zadd", "resetkeys", "~q"], "may not use a key of the function tempest1_delay") {
                    try await client.push("echo", queue: "q", after: .seconds(60))
                }
                try await refusal(["~*", "-hincrby"], "may not run a command of the function tempest1_listen") {
                    try await client.call("echo", queue: "q", timeout: .seconds(20))
                }
                try await refusal(["+hincrby", "resetchannels"], "may not use a channel of the function tempest1_publish") {
                    _ = try await client.publish(channel: "news", data: 1)
                }
            }
        }
    }

    private static let clientDenials = [
        "bob channel news", "bob command hincrby", "bob command rpush", "bob command zadd", "bob key q", "bob key {q}:!counts",
    ]

    @Test(
        "from the beginning ends a worker with an error that names it",
        arguments: [
            ("fcall", #"may not run "fcall""#, ["bob command fcall"]),
            ("hincrby", "may not run a command of the function tempest1_hello", ["bob command hincrby"]),
        ])
    func start(_ right: String, _ says: String, _ denials: [String]) async throws {
        try await RightsBench.run("worker", denials: denials) { bench in
            try await bench.change("-\(right)")
            let error = await #expect(throws: RedisError.self) { try await bench.worker().run() }
            #expect(error?.code == .permission && error?.message.contains(says) == true, "\(String(describing: error))")
        }
    }

    @Test("and a wrong password, too, ends a worker at its start, on whichever of its queues it is")
    func password() async throws {
        try await Bench.run { bench in
            let url = bench.server.url.replacing("unix://", with: "unix://default:wrong@")
            _ = try await bench.redis.execute(["CONFIG", "SET", "requirepass", "right"])
            let worker = try Worker(queues: ["q", "p"], redis: RedisConfiguration(url: url), logger: LogKeeper().logger)
            let error = await #expect(throws: RedisError.self) { try await worker.run() }
            #expect(error?.code == .authentication, "\(String(describing: error))")
        }
    }

    @Test("taken from a worker at work is an error again and again, and nothing is lost")
    func taken() async throws {
        try await RightsBench.run("worker", denials: ["bob command exists"]) { bench in
            let (log, gate, begun) = (LogKeeper(.debug), Gate(), NoteList())
            try await withRunning(try bench.worker(gate: gate, begun: begun, logger: log.logger)) {
                try await bench.bench.client.push("hold", "taken", queue: "q")
                try await eventually("it runs") { begun.all.count == 1 }
                try await bench.change("-exists")
                gate.open()
                try await bench.bench.client.push("echo", 1, queue: "q")
                try await eventually(within: .seconds(20), "it is said again") {
                    Self.errors(log, "a command of the function tempest1_") > 1
                        && Self.errors(log, "the beat cannot do its work") > 0
                }
                try await bench.change("+exists")
                try await eventually("both are settled") { try await bench.count("settled") == 2 }
                #expect(try await bench.bench.dead().isEmpty)
                #expect(!log.messages.contains { $0.contains("cannot use Redis") }, "Redis answers: \(log.words)")
            }
        }
    }

    @Test("to block is an error")
    func parking() async throws {
        try await RightsBench.run("worker", denials: ["bob command blmove"]) { bench in
            let log = LogKeeper(.debug)
            try await withRunning(try bench.worker(logger: log.logger)) {
                try await bench.change("-blmove")
                try await eventually(within: .seconds(20), "it is said") { Self.errors(log, #"may not run "blmove""#) > 1 }
                try await bench.change("+blmove")
                #expect(try await bench.bench.client.call("echo", 1, queue: "q", timeout: .seconds(20)) == 1)
            }
        }
    }

    @Test("to a key that a settlement needs is waited for: the job is not dead")
    func settlement() async throws {
        try await RightsBench.run("worker", denials: ["bob key {q}:!delayed"]) { bench in
            let log = LogKeeper(.debug)
            try await withRunning(try bench.worker(logger: log.logger)) {
                // All but {q}:!delayed.
                try await bench.change("resetkeys", "~q", "~{q}:[^!]*", "~{q}:![^d]*", "~{q}:!de[^l]*", "~tempest:*")
                try await bench.bench.client.push("flaky", 2, queue: "q")
                try await eventually(within: .seconds(20), "it is said") {
                    Self.errors(log, "may not use a key of the function tempest1_settle") > 0
                }
                try await bench.change("~{q}:*")
                try await eventually("it goes on") { try await bench.count("settled") == 2 }
                #expect(try await bench.count("retried") == 1)
                #expect(try await bench.bench.dead().isEmpty)
            }
        }
    }
}

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Answers to nodes of the original")
struct DirectAnswerTests {
    private func worker(
        _ bench: Bench, _ networks: [String]? = ["127.0.0.1/32"], anyHost: String = "127.0.0.1"
    ) throws -> Worker {
        let allowed = try networks.map { try AllowedNetworks($0, anyHost: anyHost) }
        let worker = try bench.worker { $0.directAnswers = allowed }
        worker.handle("add") { (_: JobContext, a: Int, b: Int) in a + b }
        worker.handle("url") { (_: JobContext, request: WebRequest) in
            if request.url == "/fail" { throw HandlerError(code: "no_cat", message: "there is no cat") }
            return WebAnswer(text: "you asked for \(request.url)")
        }
        worker.handle("parts") { (context: JobContext) in
            try await context.send("a")
            return "b"
        }
        return worker
    }

    private func settled(_ bench: Bench, _ count: Int) async throws {
        try await eventually("\(count) are settled") { try await bench.client.statistics(QueueName("q")).settled == count }
    }

    @Test("An answer is a command named after the action, its payload the args; a page takes their place")
    func answers() async throws {
        try await Bench.run { bench in
            try await FakeNode.run { node in
                try await withRunning(try worker(bench)) {
                    try await bench.push(#"["add",[2,3],"127.0.0.1:\#(node.port)",7]"#)
                    try await settled(bench, 1)
                    try await bench.push(#"["url",[{"headers":{},"method":"GET","url":"/a"}],"127.0.0.1:\#(node.port)",8]"#)
                    try await settled(bench, 2)
                    try await bench.push(#"["url",[{"headers":{},"method":"GET","url":"/fail"}],"127.0.0.1:\#(node.port)",9]"#)
                    try await settled(bench, 3)
                    try await bench.push(#"["parts",[],"127.0.0.1:\#(node.port)",10]"#)
                    try await settled(bench, 4)
                    // A failure that a node cannot be told of: the job is settled all the same.
                    try await bench.push(#"["add",["x"],"127.0.0.1:\#(node.port)",11]"#)
                    try await settled(bench, 5)
                }
                #expect(
                    node.answers == [
                        ["add", "7", "[5]"],
                        ["url", "8", #"[200,{"content-type":"text/plain; charset=utf-8"},"you asked for /a"]"#],
                        ["url", "9", #"[500,{"content-type":"text/plain; charset=utf-8"},"Internal Server Error\n"]"#],
                        ["parts", "10", #"["a"]"#], ["parts", "10", #"["b"]"#],
                    ])
                #expect(node.connections == 1)
                #expect(try await bench.running() == 0)
                try await eventually("the worker has hung up") { node.open == 0 }
            }
        }
    }

    @Test(
        "A job that names no host is answered at the one that stands for it, a name at each of its addresses; 0 is an id as any other",
        arguments: [
            ("0.0.0.0", "127.0.0.1"), ("[::]", "127.0.0.1"), ("0.0.0.0", "localhost"), ("[::]", "LOCALHOST"),
            ("Localhost", "10.0.0.1"),
        ])
    func anyHost(_ host: String, _ anyHost: String) async throws {
        try await Bench.run { bench in
            try await FakeNode.run { node in
                try await withRunning(try worker(bench, ["127.0.0.1/32", "localhost"], anyHost: anyHost)) {
                    try await bench.push(#"["add",[2,3],"\#(host):\#(node.port)",0]"#)
                    try await settled(bench, 1)
                }
                #expect(node.answers == [["add", "0", "[5]"]])
            }
        }
    }

    @Test("What stands for no host has to be in the list as any other: 0 connects")
    func anyHostIsNoExemption() async throws {
        try await Bench.run { bench in
            try await FakeNode.run(everywhere: true) { node in
                try await withRunning(try worker(bench, ["10.0.0.0/8", "0.0.0.0/0"])) {
                    for host in ["0.0.0.0", "[::]"] { try await bench.push(#"["add",[2,3],"\#(host):\#(node.port)",0]"#) }
                    try await eventually("dead") { try await bench.dead().count == 2 }
                }
                #expect(try await bench.dead().allSatisfy { $0.reason == "bad_address" })
                #expect(node.connections == 0)
            }
        }
    }

    @Test("Args that are no array are one argument, null is none; a worker without the option refuses them")
    func singleArgument() async throws {
        try await Bench.run { bench in
            let jobs = [
                #"["foo","World",null,1]"#, #"["foo",{"a":[1]},null,2]"#, #"["foo",null,null,3]"#, #"["foo",["World"],null,4]"#,
            ]
            let seen = Mutex<[String: Int]>([:])
            func worker(_ networks: AllowedNetworks?) throws -> Worker {
                let worker = try bench.worker { $0.directAnswers = networks }
                worker.handle(dynamic: "foo") { context in
                    seen.withLock { $0["\(context.args.value)", default: 0] += 1 }
                    return .null
                }
                return worker
            }
            try await withRunning(try worker(.loopback)) {
                for job in jobs { try await bench.push(job) }
                try await settled(bench, 4)
            }
            let expected: [Value] = [["World"], [["a": [1]]], []]
            #expect(
                seen.withLock { $0 }
                    == Dictionary(uniqueKeysWithValues: expected.map { ("\($0)", $0 == ["World"] ? 2 : 1) }))
            try await withRunning(try worker(nil)) {
                for job in jobs.prefix(3) { try await bench.push(job) }
                try await eventually("all are dead") { try await bench.dead().count == 3 }
            }
            #expect(try await bench.dead().allSatisfy { $0.reason == "bad_envelope" })
        }
    }

    @Test("A node that answers too late is not reset: the original's front would end of it")
    func politeEnd() async throws {
        try await FakeNode.run(afterwards: ["+OK\r\n", "+OK\r\n", "+OK\r\n"], reply: { _ in "" }) { node in
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let connection = try await RedisConnection.connect(
                to: SocketAddress(ipAddress: "127.0.0.1", port: node.port), connectTimeout: .seconds(5),
                commandTimeout: .milliseconds(50), on: loop
            ).get()
            let error = await #expect(throws: RedisError.self) { try await connection.execute(["add", "0", "[5]"]) }
            #expect(error?.code == .timedOut)
            try await connection.closeFuture.get()
            try await eventually("the node has said all and ended") { node.open == 0 }
            #expect(node.farewells == 1 && node.resets == 0)
        }
    }

    @Test("Without the option a direct address is bad_address, and nobody is connected to")
    func off() async throws {
        try await Bench.run { bench in
            try await FakeNode.run { node in
                try await withRunning(try worker(bench, nil)) {
                    try await bench.push(#"["add",[2,3],"127.0.0.1:\#(node.port)",7]"#)
                    try await eventually("dead") { try await bench.dead().count == 1 }
                }
                let dead = try await bench.dead()[0]
                #expect(
                    dead.reason == "bad_address"
                        && dead.detail.contains("is a direct address: direct answers are not allowed here"))
                #expect(node.connections == 0)
            }
        }
    }

    @Test("Evil addresses: 0 connects")
    func evil() async throws {
        try await Bench.run { bench in
            try await FakeNode.run(everywhere: true) { node in
                // Each would reach the node if it were believed.
                let hosts = [
                    "127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.000.000.001",
                    "0.0.0.0", "0",
                    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[0:0:0:0:0:ffff:7f00:0001]", "127.0.0.1.",
                    "localhost.", "LOCALHOST",
                    "10.0.0.0.127.0.0.1", "127.0.0.2", "ip6-localhost", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]",
                ]
                let addresses =
                    hosts.map { "\($0):\(node.port)" } + [
                        "169.254.169.254:80", "10.0.0.1:80", "10.0.0.1:6379", "10.0.0.1:0", "10.0.0.1:65536",
                    ]
                try await withRunning(try worker(bench, ["10.0.0.0/8", "0.0.0.0/0", "::/0"])) {
                    for (number, address) in addresses.enumerated() {
                        try await bench.push(#"["add",[2,3],"\#(address)",\#(number)]"#)
                    }
                    try await eventually("all are dead") { try await bench.dead().count == addresses.count }
                }
                #expect(try await bench.dead().allSatisfy { $0.reason == "bad_address" })
                #expect(node.connections == 0)
            }
        }
    }

    @Test(
        "Never a command of Redis, in whatever case: 0 connects",
        arguments: [["SET", "FlushAll", "eval", "SLAVEOF", "config", "json.set"]])
    func commands(_ names: [String]) async throws {
        try await Bench.run { bench in
            try await FakeNode.run { node in
                let worker = try bench.worker { $0.directAnswers = .loopback }
                for name in names { worker.handle(name) { (_: JobContext) in 1 } }
                try await withRunning(worker) {
                    for name in names { try await bench.push(#"["\#(name)",[],"127.0.0.1:\#(node.port)",1]"#) }
                    try await eventually("all are dead") { try await bench.dead().count == names.count }
                }
                #expect(
                    try await bench.dead().allSatisfy { $0.reason == "bad_address" && $0.detail.contains("command of Redis") })
                #expect(node.connections == 0)
            }
        }
    }

    @Test("A real Redis in the place of a node is asked info, and told nothing; so is anything that is no node")
    func noNode() async throws {
        try await Bench.run { bench in
            try await withPrivateRedis(.init(tcp: true)) { victim in
                let url = try #require(victim.tcpURL)
                let address = url.replacing("redis://", with: "")
                try await withRunning(try worker(bench)) {
                    try await bench.push(#"["add",[2,3],"\#(address)",1]"#)
                    try await settled(bench, 1)
                    for info in [
                        "-NOAUTH Authentication required.\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", ":1\r\n",
                        "*-1\r\n",
                    ] {
                        try await FakeNode.run(info: info) { node in
                            let before = try await bench.client.statistics(QueueName("q")).settled
                            try await bench.push(#"["add",[2,3],"127.0.0.1:\#(node.port)",1]"#)
                            try await settled(bench, before + 1)
                            #expect(node.answers.isEmpty && node.connections == 1, "\(info)")
                            try await eventually("hung up") { node.open == 0 }
                        }
                    }
                }
                let redis = RedisClient(try RedisConfiguration(url: url), logger: Logger(label: "test"))
                // An unknown command would be counted as an error.
                let errors = try await redis.execute(["INFO", "errorstats"]).string ?? ""
                #expect(!errors.contains("errorstat_"), "\(errors)")
                let commands = try await redis.execute(["INFO", "commandstats"]).string ?? ""
                #expect(commands.contains("cmdstat_info"))
                await redis.shutdown()
            }
        }
    }

    @Test("An answer whose word was lost is sent again before the job is settled: at least once")
    func again() async throws {
        try await Bench.run { bench in
            try await FakeNode.run(reply: { $0 < 3 ? nil : "+OK\r\n" }) { node in
                try await withRunning(try worker(bench)) {
                    try await bench.push(#"["add",[2,3],"127.0.0.1:\#(node.port)",7]"#)
                    try await settled(bench, 1)
                }
                #expect(node.answers == [["add", "7", "[5]"], ["add", "7", "[5]"], ["add", "7", "[5]"]])
            }
        }
    }

    @Test(
        "A node that refuses an answer, or waits no longer, is not asked twice",
        arguments: ["-ERR no job\r\n", "+LATE\r\n", ":7\r\n"])
    func refused(_ reply: String) async throws {
        try await Bench.run { bench in
            try await FakeNode.run(reply: { _ in reply }) { node in
                try await withRunning(try worker(bench)) {
                    try await bench.push(#"["add",[2,3],"127.0.0.1:\#(node.port)",7]"#)
                    try await settled(bench, 1)
                }
                #expect(node.answers.count == 1)
            }
        }
    }

    @Test("A worker that is stopped while a node is away gives the job back, unsettled")
    func stopped() async throws {
        try await Bench.run { bench in
            try await FakeNode.run(reply: { _ in nil }) { node in
                let worker = try worker(bench)
                let job = #"["add",[2,3],"127.0.0.1:\#(node.port)",7]"#
                try await withRunning(worker) {
                    try await bench.push(job)
                    try await eventually("it was tried") { !node.answers.isEmpty }
                    worker.stop(grace: .zero)
                }
                #expect(try await bench.waiting() == [Array(job.utf8)])
                #expect(try await bench.client.statistics(QueueName("q")).settled == 0)
            }
        }
    }

    // MARK: The sender alone

    private func sender(_ patience: TimeAmount) throws -> DirectSender {
        let rule = DirectRule(.loopback, redis: try RedisConfiguration(url: "unix:///nowhere"))
        return DirectSender(rule, patience: patience, on: MultiThreadedEventLoopGroup.singleton.next(), counters: Counters())
    }

    private func send(_ sender: DirectSender, port: Int, host: String = "127.0.0.1") async throws -> DirectSender.End {
        let job = try Job(
            Array(#"["add",[],"\#(host):\#(port)",1]"#.utf8), codecs: .standard, limits: .standard, directRule: { _, _, _ in nil }
        )
        let answer = try Answer(Array(#"["add",1,[5]]"#.utf8), codecs: .standard, limits: .standard)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return await sender.send(answer, of: job, host: host, port: port, isHeld: { true }, logger: logger)
    }

    @Test("A node that is gone is waited for a while once, not by each of its answers")
    func gone() async throws {
        let sender = try sender(.seconds(1))
        let port = try await FakeNode.run { $0.port }
        let clock = ContinuousClock()
        let first = try await clock.measure {
            let end = try await send(sender, port: port)
            #expect(end == .over)
        }
        #expect(first >= .milliseconds(950))
        let others = try await clock.measure {
            for _ in 0..<40 { _ = try await send(sender, port: port) }
        }
        #expect(others < .seconds(20))
        #expect(sender.connections == 0)
        await sender.close()
    }

    @Test("One connection to a node, however many answers; few nodes at once, and none after the end")
    func bounded() async throws {
        let sender = try sender(.seconds(5))
        try await FakeNode.run(everywhere: true) { node in
            try await withThrowingTaskGroup(of: DirectSender.End.self) { group in
                for _ in 0..<100 { group.addTask { try await send(sender, port: node.port) } }
                for try await end in group { #expect(end == .over) }
            }
            // A loaded machine may need a second attempt at the first connection, never one for each answer.
            #expect(node.answers.count == 100 && node.connections < 5)
            // Each loopback address is another place.
            for last in 2...150 { #expect(try await send(sender, port: node.port, host: "127.0.0.\(last)") == .over) }
            #expect(sender.connections <= 64)
        }
        await sender.close()
        #expect(sender.connections == 0)
    }
}

import Logging
import NIOCore
import NIOPosix
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Calls to workers of the original")
struct OriginalCallTests {
    /// A job as such a worker takes it apart, and its way to answer.
    private struct Task {
        let action: String
        let args: [Value]
        let respondTo: String
        let id: Int64

        /// Sends answers on one connection; returns what was said to each.
        func answer(_ answers: [[String]]) async throws -> [String] {
            let port = try #require(respondTo.split(separator: ":").last.flatMap { Int($0) })
            let connection = try await RedisConnection.connect(
                to: SocketAddress(ipAddress: "127.0.0.1", port: port), connectTimeout: .seconds(2), commandTimeout: .seconds(5),
                on: MultiThreadedEventLoopGroup.singleton.next()
            ).get()
            defer { connection.close() }
            var said: [String] = []
            for words in answers {
                do {
                    said.append(try await connection.execute(RedisCommand(words.map { .init($0) })).string ?? "?")
                } catch {
                    said.append("-\(error.reply ?? error.message)")
                }
            }
            return said
        }
    }

    private func client(_ bench: Bench, _ change: (inout ClientOptions) -> Void = { _ in }) throws -> TempestClient {
        var options = ClientOptions()
        options.original.queues = ["legacy"]
        change(&options)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try TempestClient(redis: bench.configuration, options: options, logger: logger)
    }

    private func task(_ bench: Bench) async throws -> Task {
        var bytes: [UInt8] = []
        try await eventually("a job") {
            bytes = try await bench.redis.execute(["LPOP", "legacy"]).bytes ?? []
            return !bytes.isEmpty
        }
        // Exactly four: the original in Python unpacks no more.
        guard case .array(let parts) = try JSONCodec().value(bytes), parts.count == 4, case .text(let action) = parts[0],
            case .array(let args) = parts[1], case .text(let respondTo) = parts[2], case .int(let id) = parts[3]
        else {
            Issue.record("no job of the original: \(String(decoding: bytes, as: UTF8.self))")
            throw CancellationError()
        }
        return Task(action: action, args: args, respondTo: respondTo, id: id)
    }

    @Test("A call is a job of four elements with an integer id, counted by the node; its answer is a command")
    func call() async throws {
        try await Bench.run { bench in
            let client = try client(bench)
            async let sum: Int = client.call("add", 2, 3, queue: "legacy", codec: .messagePack)
            let task = try await task(bench)
            #expect(task.action == "add" && task.args == [2, 3] && task.id == 1 && task.respondTo.hasPrefix("127.0.0.1:"))
            #expect(try await bench.redis.execute(["GET", "cluster.ids"]).string == "1")
            #expect(try await bench.redis.execute(["GET", "server.1.id"]).string == "1")
            let said = try await task.answer([["INFO"], ["add", "1", "[5]"], ["add", "1", "[6]"]])
            #expect(said[0].contains("redis_version:7") && said.dropFirst() == ["OK", "LATE"])
            #expect(try await sum == 5)
            // Ordinary queues are called as ever.
            let worker = try bench.worker()
            worker.handle("add") { (_: JobContext, a: Int, b: Int) in a + b }
            let ordinary: Int = try await withRunning(worker) { try await client.call("add", 3, 4, queue: "q") }
            #expect(ordinary == 7)
            async let text: String = client.call("shout", "a", queue: "legacy")
            let second = try await self.task(bench)
            #expect(second.id == 2 && second.respondTo == task.respondTo)
            // A bare value counts as one that stands in an array.
            #expect(try await second.answer([["shout", "2", "\"A\""]]) == ["OK"])
            #expect(try await text == "A")
            await client.shutdown()
            #expect(try await bench.redis.execute(["EXISTS", "server.1.id"]).integer == 0)
        }
    }

    @Test("Only this node's own jobs are answered, each by its own action and in JSON")
    func strangers() async throws {
        try await Bench.run { bench in
            let client = try client(bench)
            async let sum: Int = client.call("add", 2, 3, queue: "legacy")
            let task = try await task(bench)
            let said = try await task.answer([
                ["add", "2", "[1]"], ["add", "0", "[1]"], ["add", "-1", "[1]"], ["add", "01", "[1]"], ["add", "x", "[1]"],
                ["add", "99999999999999999999", "[1]"], ["url", "1", "[1]"], ["add", "1", "[1"], ["add", "1", "[1]", "[]"],
                ["SET", "1", "[1]"], ["add", "1"], ["add", "1", "[5]"],
            ])
            #expect(said.last == "OK" && said.dropLast().allSatisfy { $0.hasPrefix("-ERR") }, "\(said)")
            #expect(try await sum == 5)
            await client.shutdown()
        }
    }

    @Test("An action that Redis has a command for is refused before anything is sent", arguments: ["get", "Publish", "echo"])
    func commands(_ action: String) async throws {
        try await Bench.run { bench in
            let client = try client(bench)
            let error = await #expect(throws: CallError.self) { try await client.call(action, queue: "legacy") }
            #expect(error?.code == .badAction && error?.message.contains("command of Redis") == true)
            #expect(try await bench.redis.execute(["DBSIZE"]).integer == 0)
            await client.shutdown()
        }
    }

    @Test("A call that nobody answers ends in time, and its late answer is told so; so does one whose answer cannot be decoded")
    func timeOut() async throws {
        try await Bench.run { bench in
            let client = try client(bench)
            let error = await #expect(throws: CallError.self) {
                try await client.call("slow", queue: "legacy", timeout: .milliseconds(100))
            }
            #expect(error?.code == .timedOut)
            #expect(try await task(bench).answer([["slow", "1", "[]"]]) == ["LATE"])
            async let number: Int = client.call("n", queue: "legacy")
            #expect(try await task(bench).answer([["n", "2", "[\"x\"]"]]) == ["OK"])
            do { Issue.record("decoded as \(try await number)") } catch { #expect((error as? CallError)?.code == .badAnswer) }
            // Nobody was cancelled by a number that others use too.
            #expect(try await bench.redis.execute(["EXISTS", "{legacy}:!cancelled"]).integer == 0)
            async let last: Int = client.call("n", queue: "legacy")
            _ = try await task(bench)
            await client.shutdown()
            do { Issue.record("answered \(try await last)") } catch { #expect((error as? CallError)?.code == .closed) }
        }
    }

    @Test("A caller that ends takes out of the queue what nobody has taken: also what it had given up; a killed one cannot")
    func takeBack() async throws {
        try await Bench.run { bench in
            let client = try client(bench)
            let foreign = #"["add",[1,2],"127.0.0.1:9",1]"#
            _ = try await bench.redis.execute(["RPUSH", "legacy", .init(foreign)])
            for _ in 0..<3 {
                await #expect(throws: CallError.self) {
                    try await client.call("add", 1, 2, queue: "legacy", timeout: .milliseconds(50))
                }
            }
            // A call may end before its job is there.
            try await eventually("the jobs are in the queue") {
                try await bench.redis.execute(["LLEN", "legacy"]).integer == 4
            }
            // One is taken and answered, one taken and not answered, and the rest waits.
            _ = try await bench.redis.execute(["LPOP", "legacy"])
            _ = try await bench.redis.execute(["RPUSH", "legacy", .init(foreign)])
            #expect(try await task(bench).answer([["add", "1", "[3]"]]) == ["LATE"])
            #expect(try await task(bench).id == 2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<250 {
                    group.addTask {
                        let error = await #expect(throws: CallError.self) {
                            try await client.call("add", number, 2, queue: "legacy", level: number % 2 == 0 ? .high : .default)
                        }
                        #expect(error?.code == .closed)
                    }
                }
                try await eventually("all are pushed") {
                    let counts = [
                        try await bench.redis.execute(["LLEN", "legacy"]),
                        try await bench.redis.execute(["LLEN", "{legacy}:high"]),
                    ]
                    return counts.compactMap(\.integer).reduce(0, +) == 252
                }
                await client.shutdown()
                try await group.waitForAll()
            }
            #expect(try await bench.redis.execute(["LRANGE", "legacy", 0, -1]).array?.compactMap(\.string) == [foreign])
            #expect(try await bench.redis.execute(["EXISTS", "{legacy}:high"]).integer == 0)
        }
    }

    @Test("A queue whose key is no list any more keeps no job of another queue from being taken back")
    func takeBackElsewhere() async throws {
        try await Bench.run { bench in
            let client = try client(bench) { $0.original.queues = ["broken", "legacy"] }
            // More than go out in one portion.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<150 {
                    group.addTask { _ = try? await client.call("add", 1, 2, queue: "broken", timeout: .milliseconds(50)) }
                }
            }
            await #expect(throws: CallError.self) {
                try await client.call("add", 1, 2, queue: "legacy", timeout: .milliseconds(50))
            }
            try await eventually("all jobs are in their queues") {
                let legacy = try await bench.redis.execute(["LLEN", "legacy"]).integer
                return try await bench.redis.execute(["LLEN", "broken"]).integer == 150 && legacy == 1
            }
            _ = try await bench.redis.execute(["SET", "broken", "x"])
            await client.shutdown()
            #expect(try await bench.redis.execute(["LLEN", "legacy"]).integer == 0)
        }
    }

    @Test("Beyond 64 MiB the oldest unanswered jobs are forgotten, and no others")
    func unansweredLimit() throws {
        var jobs = UnansweredJobs()
        let payload = [UInt8](repeating: 0x20, count: 1 << 20)
        for id in 1...200 as ClosedRange<Int64> {
            jobs.add(.init(id: id, queue: try QueueName("q"), level: .default, payload: payload))
            if id % 3 == 0 { jobs.remove(id) }
        }
        let left = jobs.takeAll().map(\.id)
        #expect(left == (1...200).filter { $0 % 3 != 0 }.suffix(64))
        #expect(jobs.count == 0 && jobs.takeAll().isEmpty)
        jobs.add(.init(id: 201, queue: try QueueName("q"), level: .default, payload: payload))
        #expect(jobs.count == 1)
    }

    @Test("A queue whose key is no list, and an address that is not ours, are said")
    func trouble() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SET", "legacy", "x"])
            let client = try client(bench)
            let error = await #expect(throws: RedisError.self) { try await client.call("add", 1, 2, queue: "legacy") }
            #expect(error?.code == .wrongType)
            await client.shutdown()
            let elsewhere = try self.client(bench) { $0.original.host = "192.0.2.1" }
            let refused = await #expect(throws: RedisError.self) { try await elsewhere.call("add", 1, 2, queue: "legacy") }
            #expect(refused?.code == .url)
            await elsewhere.shutdown()
        }
    }

    @Test("Our worker serves such calls too, with errors and streams, when it may answer directly")
    func ours() async throws {
        try await Bench.run { bench in
            let client = try client(bench)
            let worker = try bench.worker(["legacy"]) { $0.directAnswers = .loopback }
            worker.handle("add") { (_: JobContext, a: Int, b: Int) in a + b }
            worker.handle("fail") { (_: JobContext) in throw HandlerError(code: "no_cat", message: "there is no cat") }
            worker.handle("count") { (context: JobContext, to: Int) in
                for number in 1..<to { try await context.send(number) }
                return to
            }
            try await withRunning(worker) {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<200 {
                        group.addTask { try await client.call("add", number, 1, queue: "legacy") == number + 1 }
                    }
                    for try await isRight in group { #expect(isRight) }
                }
                let error = await #expect(throws: CallError.self) { try await client.call("fail", queue: "legacy") }
                #expect(error?.code == .remote && error?.remoteCode == "no_cat" && error?.message == "there is no cat")
                var numbers: [Int] = []
                for try await number in try await client.stream("count", 100, queue: "legacy", of: Int.self) {
                    numbers.append(number)
                }
                #expect(numbers == Array(1...100))
                let unknown = await #expect(throws: CallError.self) { try await client.call("nobody", queue: "legacy") }
                #expect(unknown?.remoteCode == "unknown_action")
            }
            #expect(try await bench.running("legacy") == 0)
            await client.shutdown()
        }
    }
}

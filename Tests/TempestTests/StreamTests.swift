import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Streams with credits", .timeLimit(.minutes(2)))
struct StreamTests {
    /// What the handler of `count` has done.
    private final class Progress: Sendable {
        private struct State {
            var sent = 0
            var isCancelled = false
        }

        private let state = Mutex(State())

        var sent: Int { state.withLock { $0.sent } }
        var isCancelled: Bool { state.withLock { $0.isCancelled } }

        func note(sent: Int) { state.withLock { $0.sent = sent } }

        func note(_ error: any Error) { state.withLock { $0.isCancelled = error is CancellationError } }
    }

    /// A worker whose action `count` sends the numbers below its argument.
    private func counter(_ bench: Bench, _ progress: Progress) throws -> Worker {
        let worker = try bench.worker()
        worker.handle("count") { (context: JobContext, upto: Int) in
            do {
                for number in 0..<upto {
                    try await context.send(number)
                    progress.note(sent: number + 1)
                }
            } catch {
                progress.note(error)
                throw error
            }
        }
        return worker
    }

    /// What Redis knows of the used answers.
    private func flow(_ bench: Bench) async throws -> Int64? {
        guard let key = try await bench.redis.execute(["KEYS", "{q}:!flow:*"]).array?.first?.string else { return nil }
        return try await bench.redis.execute(["GET", .init(key)]).string.flatMap { Int64($0) }
    }

    private func asked(_ bench: Bench) async throws -> Int {
        let stats = try await bench.redis.execute(["INFO", "commandstats"]).string ?? ""
        guard let line = stats.split(separator: "\r\n").first(where: { $0.hasPrefix("cmdstat_fcall:calls=") }) else { return 0 }
        return Int(line.dropFirst("cmdstat_fcall:calls=".count).prefix { $0.isNumber }) ?? 0
    }

    /// The worker asks how many answers were used, again and again, and sends no more.
    private func standsStill(_ bench: Bench, _ progress: Progress, at sent: Int) async throws {
        try await eventually("\(sent) answers") { progress.sent >= sent }
        let before = try await asked(bench)
        try await eventually("the worker asks") { try await asked(bench) >= before + 20 }
        #expect(progress.sent == sent)
    }

    /// The next job, as somebody without a library would read it: action, inbox, id and meta.
    private func job(_ bench: Bench) async throws -> (inbox: String, id: String, meta: Value?, count: Int) {
        var bytes: [UInt8]?
        try await eventually("a job") {
            bytes = try await bench.redis.execute(["LPOP", "q"]).bytes
            return bytes != nil
        }
        let job: Value = try JSONCodec().value(bytes ?? [])
        return (job[2]?.asText ?? "", job[3]?.asText ?? "", job[4], job.asArray?.count ?? 0)
    }

    private func answer(_ id: String, _ number: Int, more: Bool = true) throws -> RedisArgument {
        var meta: ValueMap = ["seq": .int(Int64(number)), "token": "t"]
        if more { meta["more"] = true }
        return .init(try JSONCodec().encode(Value.array(["raw", .text(id), more ? [.int(Int64(number))] : [], .map(meta)])))
    }

    @Test("A consumer that stops holds no more answers than its credits, and ends the handler when it lets go of the stream")
    func slow() async throws {
        try await Bench.run { bench in
            let progress = Progress()
            try await withRunning(try counter(bench, progress)) {
                var seen = 0
                for try await number in try await bench.client.stream("count", 100_000, queue: "q", of: Int.self) {
                    #expect(number == seen)
                    seen += 1
                    if seen == 10 { try await standsStill(bench, progress, at: 1000) }
                    if seen == 600 {
                        // Said after half a window, and by a slow caller each five seconds too.
                        try await eventually("the worker goes on") { progress.sent >= 1500 }
                        let used = Int(try await flow(bench) ?? 0)
                        #expect((500...600).contains(used))
                        try await eventually("the worker sends what was used, and no more") { progress.sent == used + 1000 }
                        break
                    }
                }
                try await eventually("the handler is told") { progress.isCancelled }
                try await eventually("what was used is forgotten") { try await flow(bench) == nil }
            }
        }
    }

    @Test("A fast consumer gets all in order")
    func fast() async throws {
        try await Bench.run { bench in
            try await withRunning(try counter(bench, Progress())) {
                var next = 0
                for try await number in try await bench.client.stream("count", 30_000, queue: "q", of: Int.self) {
                    guard number == next else { return #expect(number == next) }
                    next += 1
                }
                #expect(next == 30_000)
                try await eventually("what was used is forgotten") { try await flow(bench) == nil }
                var few: [Int] = []
                for try await number in try await bench.client.stream("count", 20, queue: "q", credits: 1, of: Int.self) {
                    few.append(number)
                }
                #expect(few == Array(0..<20))
            }
        }
    }

    @Test("A task that is cancelled ends its stream with CancellationError, and the handler too")
    func cancelled() async throws {
        try await Bench.run { bench in
            let progress = Progress()
            try await withRunning(try counter(bench, progress)) {
                let client = bench.client
                let reading = Task {
                    for try await number in try await client.stream("count", 100_000, queue: "q", of: Int.self) where number == 9
                    {
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }
                await #expect(throws: CancellationError.self) { try await reading.value }
                try await eventually("the handler is told") { progress.isCancelled }
            }
        }
    }

    @Test("What Redis has forgotten of the used answers is said again on the next connection")
    func again() async throws {
        try await Bench.run { bench in
            try await withRunning(try counter(bench, Progress())) {
                var seen = 0
                for try await _ in try await bench.client.stream("count", 100_000, queue: "q", of: Int.self) {
                    seen += 1
                    guard seen == 700 else { continue }
                    try await eventually("it is said") { try await flow(bench) ?? 0 >= 500 }
                    let key = try #require(try await bench.redis.execute(["KEYS", "{q}:!flow:*"]).array?.first?.string)
                    _ = try await bench.redis.execute(["DEL", .init(key)])
                    _ = try await bench.redis.execute(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
                    try await eventually("it is said again") { try await flow(bench) == 700 }
                    break
                }
            }
        }
    }

    @Test("A worker that knows no credits sends on, and nothing is lost")
    func ignorant() async throws {
        try await Bench.run { bench in
            let stream = try await bench.client.stream("raw", queue: "q", timeout: .seconds(20), of: Int.self)
            let job = try await job(bench)
            #expect(job.meta?["credits"] == 1000)
            let answers = try (0..<5000).map { try answer(job.id, $0) }
            _ = try await bench.redis.execute(
                RedisCommand(["RPUSH", .init("{q}:in:\(job.inbox)")] + answers + [try answer(job.id, 5000, more: false)]))
            var numbers: [Int] = []
            for try await number in stream { numbers.append(number) }
            #expect(numbers == Array(0..<5000))
        }
    }

    @Test(
        "A stream that somebody answered for a worker that died cancels nothing: its job may be started again",
        arguments: ["interrupted", "poison"])
    func answeredByAReaper(_ code: String) async throws {
        try await Bench.run { bench in
            let stream = try await bench.client.stream("raw", queue: "q", timeout: .seconds(20), of: Int.self)
            let job = try await job(bench)
            let failure: ValueMap = ["code": .text(code), "message": "its worker ended"]
            let answer = try JSONCodec().encode(Value.array(["raw", .text(job.id), [], .map(["error": .map(failure)])]))
            _ = try await bench.redis.execute(["RPUSH", .init("{q}:in:\(job.inbox)"), .init(answer)])
            await #expect(throws: CallError.self) { for try await _ in stream {} }
            // What follows on the same connection comes after what the end of the stream would have sent.
            try await bench.client.push("next", queue: "q")
            #expect(try await bench.redis.execute(["EXISTS", "{q}:!cancelled"]).integer == 0)
        }
    }

    @Test("Without credits the job has none")
    func none() async throws {
        try await Bench.run { bench in
            _ = try await bench.client.stream("raw", queue: "q", credits: nil, of: Int.self)
            let found = try await job(bench)
            #expect(found.meta?["deadline"] != nil && found.meta?["credits"] == nil)
            for (asked, said) in [(0, 1), (-5, 1), (2_000_000, 1_000_000), (Int.max, 1_000_000)] {
                _ = try await bench.client.stream("raw", queue: "q", credits: asked, of: Int.self)
                #expect(try await job(bench).meta?["credits"] == .int(Int64(said)))
            }
            var options = ClientOptions()
            options.fourElements = true
            let client = try TempestClient(redis: bench.configuration, options: options)
            _ = try await client.stream("raw", queue: "q", of: Int.self)
            #expect(try await job(bench).count == 4)
            await client.shutdown()
        }
    }

    @Test("The time to the next answer runs only while none waits for the consumer")
    func timeout() async throws {
        try await Bench.run { bench in
            let limit = Duration.seconds(1)
            let stream = try await bench.client.stream("raw", queue: "q", timeout: limit, of: Int.self)
            let job = try await job(bench)
            _ = try await bench.redis.execute([
                "RPUSH", .init("{q}:in:\(job.inbox)"), try answer(job.id, 0), try answer(job.id, 1),
            ])
            var answers = stream.makeAsyncIterator()
            #expect(try await answers.next() == 0)
            // Two such times pass.
            for _ in 0..<2 {
                await #expect(throws: CallError.self) {
                    try await bench.client.call("nobody", queue: "other", timeout: limit) as Void
                }
            }
            #expect(try await answers.next() == 1)
            let error = await #expect(throws: CallError.self) { try await answers.next() }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("A second task that waits for the same answers is refused, and neither waits for ever")
    func twoReaders() async throws {
        try await Bench.run { bench in
            let stream = try await bench.client.stream("raw", queue: "q", timeout: .seconds(60), of: Int.self)
            let readers = (0..<2).map { _ in
                Task {
                    var answers = stream.makeAsyncIterator()
                    return try await answers.next()
                }
            }
            var codes: [CallError.Code?] = []
            for reader in readers {
                let error = await #expect(throws: (any Error).self) { try await reader.value }
                codes.append((error as? CallError)?.code)
            }
            #expect(codes.contains(.closed), "\(codes)")
        }
    }

    @Test("A job whose time is used up before it is pushed is not pushed")
    func usedUp() async throws {
        try await Bench.run { bench in
            // Its inbox is open from now on.
            _ = try await bench.client.stream("raw", queue: "q", of: Int.self)
            _ = try await job(bench)
            for isStream in [false, true] {
                let error = await #expect(throws: CallError.self) {
                    if isStream {
                        _ = try await bench.client.stream("raw", queue: "q", timeout: .zero, of: Int.self)
                    } else {
                        try await bench.client.call("raw", queue: "q", timeout: .zero)
                    }
                }
                #expect(error?.code == .timedOut)
            }
            #expect(try await bench.redis.execute(["LLEN", "q"]).integer == 0)
        }
    }
}

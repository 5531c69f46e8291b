import Foundation
import Logging
import ServiceLifecycleTestKit
import Synchronization
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("A worker and its callers")
struct WorkerTests {
    struct Person: Codable, Equatable, Sendable {
        var name: String
        var age: Int
        var tags: [String]
        var note: String?
    }

    @Test("Typed arguments and answers, in each codec", arguments: CodecSet.standard.names)
    func typed(_ name: String) async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("older") { (_: JobContext, person: Person, years: Int, note: String?) in
                Person(name: person.name, age: person.age + years, tags: person.tags, note: note)
            }
            worker.handle("nothing") { (_: JobContext) in }
            try await withRunning(worker) {
                let codec = try #require(CodecSet.standard.named(name))
                let person = Person(name: "Grüße 🌪", age: 41, tags: ["a", "b"])
                let older: Person = try await bench.client.call("older", person, 1, queue: "q", codec: codec)
                #expect(older == Person(name: "Grüße 🌪", age: 42, tags: ["a", "b"], note: nil))
                try await bench.client.call("nothing", queue: "q", codec: codec)
            }
        }
    }

    @Test(
        "A raw RPUSH runs the handler at once on every level, also with one free slot: no timer is waited for",
        arguments: ["q", "{q}:high", "{q}:low"])
    func raw(_ key: String) async throws {
        try await Bench.run { bench in
            let worker = try bench.worker(concurrency: 1)
            worker.handle("wordcount") { (_: JobContext, text: String) in text.split(separator: " ").count }
            try await withRunning(worker) {
                // The tick of a second and the five seconds of BLMOVE are the timers: twenty round trips in a row would need many.
                let start = ContinuousClock.now
                for round in 0..<20 {
                    try await bench.push(#"["wordcount",["a b"],"in-\#(round)","x\#(round)"]"#, to: key)
                    #expect(try await bench.answer("in-\(round)") == ["wordcount", .text("x\(round)"), [2]])
                }
                #expect(start.duration(to: .now) < .seconds(12))
                let blocked = try await bench.redis.execute(["INFO", "clients"]).string ?? ""
                #expect(blocked.contains("blocked_clients:"))
            }
        }
    }

    @Test("A type that reads and writes its tokens itself does so as argument and answer", arguments: CodecSet.standard.names)
    func ownTokens(_ name: String) async throws {
        struct Point: Codable, TokenCodable, Equatable {
            var x: Int
            var y: Int

            init(x: Int, y: Int) { (self.x, self.y) = (x, y) }
            // Under another name than Codable's, to tell the two apart.
            init(reading node: Node) throws {
                var map = try node.map()
                x = try map.read("across")
                y = try map.read("up")
            }
            func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
                try writer.beginMap(count: 2)
                try writer.write("across", x)
                try writer.write("up", y)
                try writer.endMap()
            }
        }
        try await Bench.run { bench in
            let codec = try #require(CodecSet.standard.named(name))
            let worker = try bench.worker()
            worker.handle("mirror") { (_, point: Point) in Point(x: -point.x, y: -point.y) }
            try await withRunning(worker) {
                let answer: Point = try await bench.client.call("mirror", Point(x: 1, y: 2), queue: "q", codec: codec)
                #expect(answer == Point(x: -1, y: -2))
                let raw: Value = try await bench.client.call("mirror", ["across": 1, "up": 2] as Value, queue: "q", codec: codec)
                #expect(raw == ["across": -1, "up": -2])
                let error = await #expect(throws: CallError.self) {
                    let _: Point = try await bench.client.call("mirror", ["across": "x"] as Value, queue: "q", codec: codec)
                }
                #expect(
                    error?.message.contains("args[0].across: expected integer, found text") == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test("Levels are served in strict order")
    func strict() async throws {
        try await Bench.run { bench in
            let order = Mutex<[String]>([])
            let queue = try QueueName("q")
            let worker = try bench.worker(concurrency: 1, levels: [try Level("urgent")] + Level.customary)
            worker.handle("note") { (_: JobContext, name: String) in order.withLock { $0.append(name) } }
            try await withRunning(worker) {
                try await bench.client.pause(queue)
                for level in ["low", "default", "high", "urgent"] {
                    for number in 0..<5 {
                        try await bench.client.push("note", "\(level) \(number)", queue: "q", level: Level(level))
                    }
                }
                try await bench.client.resume(queue)
                try await eventually("all ran") { order.withLock { $0.count } == 20 }
            }
            #expect(
                order.withLock { $0 }
                    == ["urgent", "high", "default", "low"].flatMap { level in (0..<5).map { "\(level) \($0)" } })
        }
    }

    @Test("Several queues share the slots, and no claim exceeds them")
    func slots() async throws {
        try await Bench.run { bench in
            let running = Mutex((now: 0, most: 0))
            let worker = try bench.worker(["a", "b", "c"], concurrency: 3)
            worker.handle("work") { (_: JobContext) in
                running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                await Task.yield()
                running.withLock { $0.now -= 1 }
            }
            try await withRunning(worker) {
                for queue in ["a", "b", "c"] {
                    try await bench.client.push((0..<100).map { _ in try JobRequest("work") }, queue: queue)
                }
                try await eventually("all are settled") {
                    for queue in ["a", "b", "c"] {
                        if try await bench.client.statistics(QueueName(queue)).settled < 100 { return false }
                    }
                    return true
                }
            }
            #expect(running.withLock { $0.most } <= 3)
        }
    }

    @Test("Several answers come as a sequence, and a call gets the last")
    func stream() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("count") { (context: JobContext, to: Int) in
                for number in 1..<to { try await context.send(number) }
                return to
            }
            worker.handle("parts") { (context: JobContext) in try await context.send("only") }
            try await withRunning(worker) {
                var numbers: [Int] = []
                for try await number in try await bench.client.stream("count", 500, queue: "q", of: Int.self) {
                    numbers.append(number)
                }
                #expect(numbers == Array(1...500))
                #expect(try await bench.client.call("count", 5, queue: "q") == 5)
                var parts: [String] = []
                for try await part in try await bench.client.stream("parts", queue: "q", of: String.self) { parts.append(part) }
                #expect(parts == ["only"])
            }
        }
    }

    @Test("A handler's errors are answered as errors: its own with their text, others without")
    func errors() async throws {
        struct Secret: Error {}
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("own") { (_: JobContext) -> Int in
                throw HandlerError(code: "no_funds", message: "the account is empty", details: ["balance": 0])
            }
            worker.handle("other") { (_: JobContext) -> Int in throw Secret() }
            worker.handle("float") { (_: JobContext) in Double.nan }
            try await withRunning(worker) {
                await #expect { let _: Int = try await bench.client.call("own", queue: "q") } throws: {
                    ($0 as? CallError)?.remoteCode == "no_funds" && ($0 as? CallError)?.details == ["balance": 0]
                }
                await #expect { let _: Int = try await bench.client.call("other", queue: "q") } throws: {
                    ($0 as? CallError)?.remoteCode == "handler" && !"\($0)".contains("Secret")
                }
                await #expect { let _: Double = try await bench.client.call("float", queue: "q") } throws: {
                    ($0 as? CallError)?.remoteCode == "bad_answer"
                }
            }
        }
    }

    @Test("Middleware runs around handlers, the first outermost, and may refuse")
    func middleware() async throws {
        struct Note: WorkerMiddleware {
            let name: String
            let notes: NoteList
            func handle(_ context: JobContext, next: @Sendable (JobContext) async throws -> JobReply) async throws -> JobReply {
                notes.add("\(name) before")
                defer { notes.add("\(name) after") }
                if context.job.action == "refused" { throw HandlerError(code: "refused", message: "not today") }
                return try await next(context)
            }
        }
        try await Bench.run { bench in
            let notes = NoteList()
            var options = WorkerOptions()
            options.middleware = [Note(name: "a", notes: notes), Note(name: "b", notes: notes)]
            let worker = try Worker(queues: ["q"], redis: bench.configuration, options: options)
            worker.handle("x") { (_: JobContext) in notes.add("handler") }
            worker.handle("refused") { (_: JobContext) in notes.add("never") }
            try await withRunning(worker) {
                try await bench.client.call("x", queue: "q")
                #expect(notes.all == ["a before", "b before", "handler", "b after", "a after"])
                await #expect(throws: CallError.self) { try await bench.client.call("refused", queue: "q") }
                #expect(!notes.all.contains("never"))
            }
        }
    }

    @Test("A worker that was run cannot be run again")
    func twice() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            try await withRunning(worker) {}
            await #expect(throws: WorkerError.self) { try await worker.run() }
        }
    }
}

/// Notes that handlers and middleware leave.
final class NoteList: Sendable {
    private let notes = Mutex<[String]>([])
    func add(_ note: String) { notes.withLock { $0.append(note) } }
    var all: [String] { notes.withLock { $0 } }
}

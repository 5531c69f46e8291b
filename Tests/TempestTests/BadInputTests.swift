import Foundation
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Bad input")
struct BadInputTests {
    struct Person: Codable, Sendable {
        struct Address: Codable, Sendable { var street: String }
        var name: String
        var address: Address
    }

    /// Payload, reason, a part of the sentence.
    static let malformed: [(String, String, String)] = [
        ("garbage", "bad_codec", "0x67"),
        ("", "bad_codec", "nothing"),
        (#"["f",["#, "bad_codec", "json"),
        (String(repeating: "[", count: 65) + String(repeating: "]", count: 65), "bad_codec", "64"),
        ("5:1:1#]", "bad_codec", "tnetstring"),
        (#"{"class":"Archive","args":[]}"#, "foreign", "map"),
        (#"["f",[]]"#, "bad_envelope", "2 elements"),
        (#"["f",{},null,"x"]"#, "bad_envelope", "args"),
        (#"["",[],null,"x"]"#, "bad_envelope", "action"),
        (#"["f",[],null,null]"#, "bad_envelope", "job_id"),
        (#"["f",[],null,"x",7]"#, "bad_envelope", "meta"),
        (#"["f",[],"../etc","x"]"#, "bad_address", "etc"),
        (#"["f",[],"127.0.0.1:6379","x"]"#, "bad_address", "direct"),
        (#"["nope",[],null,"x"]"#, "unknown_action", "nope"),
    ]

    @Test("A malformed job is recorded as dead with its reason and its bytes, and the next one is served")
    func dead() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("f") { (_: JobContext) in "fine" }
            try await withRunning(worker) {
                for (payload, _, _) in Self.malformed { try await bench.push(payload) }
                let answer: String = try await bench.client.call("f", queue: "q")
                #expect(answer == "fine")
                try await eventually("all are recorded") { try await bench.dead().count == Self.malformed.count }
                #expect(try await bench.running() == 0)
            }
            let dead = try await bench.dead()
            for (payload, reason, part) in Self.malformed {
                let record = try #require(dead.first { $0.job == Array(payload.utf8) }, "\(payload)")
                #expect(record.reason == reason, "\(payload): \(record.detail)")
                #expect(record.detail.contains(part), "\(payload): \(record.detail)")
            }
        }
    }

    @Test("A job that is too big, and one whose MessagePack claims more than there is, are dead and harm nothing")
    func bombs() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("f") { (_: JobContext) in "fine" }
            try await withRunning(worker) {
                let big = Array(#"["f",["\#(String(repeating: "x", count: 17 << 20))"],null,"x"]"#.utf8)
                _ = try await bench.redis.execute(["RPUSH", "q", .init(big)])
                _ = try await bench.redis.execute(["RPUSH", "q", .init([0xDD, 0xFF, 0xFF, 0xFF, 0xFF] as [UInt8])])
                let answer: String = try await bench.client.call("f", queue: "q")
                #expect(answer == "fine")
                try await eventually("both are recorded") { try await bench.dead().count == 2 }
            }
            #expect(try await bench.dead().allSatisfy { $0.reason == "bad_codec" })
        }
    }

    @Test("The caller of an unknown action is told")
    func unknown() async throws {
        try await Bench.run { bench in
            try await withRunning(try bench.worker()) {
                _ = await #expect { let _: Int = try await bench.client.call("nope", queue: "q") } throws: {
                    ($0 as? CallError)?.remoteCode == "unknown_action"
                }
            }
            #expect(try await bench.dead().map(\.reason) == ["unknown_action"])
        }
    }

    @Test("Arguments that do not fit are answered with the coding path")
    func arguments() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("greet") { (_: JobContext, person: Person) in person.name }
            try await withRunning(worker) {
                let cases: [(Value, String)] = [
                    (["name": 7, "address": ["street": "s"]], "args[0].name: expected text, found integer"),
                    (["name": "n", "address": ["street": [1]]], "args[0].address.street: expected text, found array"),
                    (["name": "n"], "args[0].address: missing"),
                    ("text", "args[0]: expected map, found text"),
                ]
                for (value, message) in cases {
                    await #expect {
                        let _: String = try await bench.client.call("greet", value, queue: "q")
                    } throws: { ($0 as? CallError)?.remoteCode == "bad_args" && ($0 as? CallError)?.message == message }
                }
                await #expect { let _: String = try await bench.client.call("greet", queue: "q") } throws: {
                    ($0 as? CallError)?.message == "expected 1 argument, found 0"
                }
                await #expect { let _: String = try await bench.client.call("greet", 1, 2, queue: "q") } throws: {
                    ($0 as? CallError)?.message == "expected 1 argument, found 2"
                }
            }
        }
    }

    @Test("An answer that comes twice, late, or for nobody is dropped, and the inbox goes on")
    func answers() async throws {
        try await Bench.run { bench in
            let queue = try QueueName("q")
            // Gives up once its job is in the queue, however long that takes.
            let call = Task { () -> Int in try await bench.client.call("slow", queue: "q", timeout: .seconds(60)) }
            try await eventually("the job is in the queue") { try await bench.client.statistics(queue).waiting == 1 }
            call.cancel()
            if case .success = await call.result { Issue.record("a call that was cancelled has an answer") }
            let job = try #require(try await bench.client.peek(queue, level: .default, count: 1).first?.job)
            let inbox = "{q}:in:\(try #require(job.respondTo))"
            _ = try await bench.redis.execute(["DEL", "q"])
            // Late, for nobody, no answer at all.
            try await bench.push(#"["slow","\#(job.id)",[1]]"#, to: inbox)
            try await bench.push(#"["slow","somebody else's",[1]]"#, to: inbox)
            try await bench.push("not an answer", to: inbox)
            // And twice: by a worker that is a test.
            async let sum: Int = bench.client.call("add", 1, 2, queue: "q", timeout: .seconds(10))
            try await eventually("the job waits") { try await bench.client.statistics(queue).waiting == 1 }
            let id = try #require(try await bench.client.peek(queue, level: .default, count: 1).first?.job?.id)
            try await bench.push(#"["add","\#(id)",[3]]"#, to: inbox)
            try await bench.push(#"["add","\#(id)",[4]]"#, to: inbox)
            #expect(try await sum == 3)
            try await eventually("the inbox is read to its end") {
                try await bench.redis.execute(["LLEN", .init(inbox)]).integer == 0
            }
        }
    }

    @Test("A key that is no list where a level should be is told, and the other levels are served")
    func wrongType() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SET", "{q}:high", "no list"])
            let worker = try bench.worker()
            worker.handle("f") { (_: JobContext) in "fine" }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                let answer: String = try await bench.client.call("f", queue: "q")
                #expect(answer == "fine")
                try await eventually("the worker says so") { "\(worker.readiness)".contains("high") }
                #expect(try await bench.client.statistics(QueueName("q")).levels.first { $0.level == .high }?.waiting == nil)
                await #expect { try await bench.client.push("f", queue: "q", level: .high) } throws: {
                    ($0 as? RedisError)?.code == .wrongType
                }
                _ = try await bench.redis.execute(["DEL", "{q}:high"])
                try await eventually("it is ready again") { worker.readiness.isReady }
                try await bench.client.push("f", queue: "q", level: .high)
                try await eventually("the level is served") { try await bench.client.statistics(QueueName("q")).settled == 2 }
                group.cancelAll()
            }
        }
    }

    @Test("An older function library is replaced, a newer one is kept")
    func libraries() async throws {
        try await Bench.run { bench in
            func library(_ revision: Int, with functions: String) -> RedisArgument {
                .init(
                    "#!lua name=tempest1\nredis.register_function('tempest1_revision', function() return \(revision) end)\n\(functions)"
                )
            }
            _ = try await bench.redis.execute(["FUNCTION", "LOAD", library(0, with: "")])
            let worker = try bench.worker()
            worker.handle("f") { (_: JobContext) in "fine" }
            try await withRunning(worker) { try await bench.client.call("f", queue: "q") }
            #expect(
                try await bench.redis.execute(["FCALL", "tempest1_revision", "0"]).integer == Int64(FunctionLibrary.revision))

            let source = String(decoding: FunctionLibrary.source, as: UTF8.self)
            let newer = source.replacingOccurrences(
                of: "local REVISION = \(FunctionLibrary.revision)", with: "local REVISION = 999")
            _ = try await bench.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(newer)])
            let second = try bench.worker()
            second.handle("f") { (_: JobContext) in "fine" }
            try await withRunning(second) { try await bench.client.call("f", queue: "q") }
            #expect(try await bench.redis.execute(["FCALL", "tempest1_revision", "0"]).integer == 999)
        }
    }
}

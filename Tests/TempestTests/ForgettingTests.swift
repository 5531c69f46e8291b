import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// A Redis that forgets its last second, as one with `appendfsync everysec` does when it is killed: no answer is lost by it.
@Suite(.timeLimit(.minutes(2))) struct ForgettingTests {
    private struct Job {
        let bytes: [UInt8]
        let action, inbox, id, word: String

        init(_ bytes: [UInt8]) throws {
            self.bytes = bytes
            let job: Value = try JSONCodec().value(bytes)
            let elements = try #require(job.asArray)
            (action, inbox) = (try #require(elements[0].asText), try #require(elements[2].asText))
            (id, word) = (try #require(elements[3].asText), try #require(elements[1].asArray?.first?.asText))
        }

        func answer(_ value: Value, _ meta: ValueMap = [:]) throws -> RedisArgument {
            var meta = meta
            meta["token"] = "t"
            let answer: Value = [.text(action), .text(id), [value], .map(meta)]
            return .init(try JSONCodec().encode(answer))
        }
    }

    /// Takes so many jobs from the queue, in the order of their words.
    private func jobs(_ count: Int, _ bench: Bench) async throws -> [Job] {
        var jobs: [Job] = []
        try await eventually("\(count) jobs") {
            while let bytes = try await bench.redis.execute(["LPOP", "q"]).bytes { jobs.append(try Job(bytes)) }
            return jobs.count == count
        }
        return jobs.sorted { $0.word < $1.word }
    }

    private func calls(_ words: [String], _ bench: Bench) -> [Task<String, any Error>] {
        words.map { word in Task { try await bench.client.call("echo", word, queue: "q", timeout: .seconds(10)) } }
    }

    /// Redis is another one all of a sudden: it knows this reader at the position 0, and these answers after it.
    private func forget(_ inbox: String, _ answers: [RedisArgument], _ bench: Bench) async throws {
        let list = RedisArgument("{q}:in:\(inbox)")
        let results = try await bench.redis.execute([
            ["MULTI"], ["HSET", "{q}:!inboxes", .init(inbox + "#"), "0"], ["DEL", list], RedisCommand(["RPUSH", list] + answers),
            ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"], ["EXEC"],
        ])
        for result in results { _ = try result.get() }
    }

    @Test func newAnswersInThePlacesOfForgottenOnesArrive() async throws {
        try await Bench.run { bench in
            let first = calls(["a", "b", "c"], bench)
            let old = try await jobs(3, bench)
            for job in old {
                _ = try await bench.redis.execute(["RPUSH", .init("{q}:in:\(job.inbox)"), try job.answer(.text(job.word))])
            }
            for (task, word) in zip(first, ["a", "b", "c"]) { #expect(try await task.value == word) }
            let second = calls(["d", "e", "f"], bench)
            let new = try await jobs(3, bench)
            // It knows the first answer, which is read a second time, and none of the others.
            try await forget(new[0].inbox, try ([old[0]] + new).map { try $0.answer(.text($0.word)) }, bench)
            for (task, word) in zip(second, ["d", "e", "f"]) { #expect(try await task.value == word) }
            try await eventually("what was read is gone") {
                try await bench.redis.execute(["LLEN", .init("{q}:in:\(new[0].inbox)")]).integer == 0
            }
        }
    }

    @Test func aStreamGoesOnAndGivesNothingTwice() async throws {
        try await Bench.run { bench in
            let stream = Task {
                var values: [Int] = []
                let stream = try await bench.client.stream("echo", "x", queue: "q", timeout: .seconds(10), of: Int.self)
                for try await value in stream { values.append(value) }
                return values
            }
            let job = try await jobs(1, bench)[0]
            let parts = try (0..<6).map { number in
                try job.answer(.int(Int64(number)), number < 5 ? ["seq": .int(Int64(number)), "more": true] : ["seq": 5])
            }
            let list = RedisArgument("{q}:in:\(job.inbox)")
            _ = try await bench.redis.execute(RedisCommand(["RPUSH", list] + parts[..<3]))
            try await eventually("they were read") { try await bench.redis.execute(["LLEN", list]).integer == 0 }
            try await forget(job.inbox, [parts[0], parts[1]] + parts[3...], bench)
            #expect(try await stream.value == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test func whatWasUsedOfAStreamIsSaidAgain() async throws {
        try await Bench.run { bench in
            var args = TokenBuffer()
            try args.text("x")
            let letter = Letter("echo", args: args, count: 1, queue: try QueueName("q"), codec: .json)
            let correspondence = try await bench.client.correspond(letter, patience: .seconds(10), window: 2)
            let job = try await jobs(1, bench)[0]
            let list = RedisArgument("{q}:in:\(job.inbox)")
            let part = try job.answer(1, ["seq": 0, "more": true])
            _ = try await bench.redis.execute(["RPUSH", list, part])
            _ = try await correspondence.next()
            correspondence.used()
            func used() async throws -> Int64? { try await bench.function("credits", "q", [.init(job.id)]).integer }
            try await eventually("one was used") { try await used() == 1 }
            for key in try await bench.redis.execute(["KEYS", "{q}:!flow:*"]).array ?? [] {
                _ = try await bench.redis.execute(["DEL", .init(try #require(key.string))])
            }
            #expect(try await used() == 0)
            try await forget(job.inbox, [part], bench)
            try await eventually("it says so again") { try await used() == 1 }
            correspondence.end()
        }
    }
}

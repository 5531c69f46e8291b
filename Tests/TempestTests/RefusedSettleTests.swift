import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("A settle that Redis refuses")
struct RefusedSettleTests {
    /// The functions of a library that does not know the outcome `failed`, under today's revision.
    private static func unknowing() throws -> [UInt8] {
        let source = String(decoding: FunctionLibrary.source, as: UTF8.self)
        let known = "outcome == 'done' or outcome == 'failed' or"
        try #require(source.contains(known))
        return Array(source.replacing(known, with: "outcome == 'done' or").utf8)
    }

    @Test("Never blocks the others: it goes alone, and is dead with its reason; its caller gets the answer")
    func apart() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("good") { (_: JobContext, word: Int) in word }
            worker.handle("bad") { (_: JobContext, _: Int) -> Int in throw HandlerError(code: "no_luck", message: "today") }
            try await withRunning(worker) {
                let first: Int = try await bench.client.call("good", 0, queue: "q")
                #expect(first == 0)
                _ = try await bench.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(Self.unknowing())])
                try await withThrowingTaskGroup(of: Int.self) { calls in
                    for number in 0..<60 {
                        calls.addTask {
                            do {
                                return try await bench.client.call(
                                    number % 20 == 0 ? "bad" : "good", number, queue: "q", timeout: .seconds(30))
                            } catch let error as CallError where error.remoteCode == "no_luck" {
                                return -1
                            }
                        }
                    }
                    var answers: [Int] = []
                    for try await answer in calls { answers.append(answer) }
                    #expect(answers.sorted() == [-1, -1, -1] + (0..<60).filter { $0 % 20 != 0 })
                }
                #expect(try await bench.dead().map(\.reason) == ["refused", "refused", "refused"])
                #expect(try await bench.dead()[0].detail.contains("outcome: done"))
                #expect(worker.readiness.isReady)
            }
        }
    }
}

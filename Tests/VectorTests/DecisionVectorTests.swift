import Logging
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@Suite("Vectors of what a worker does")
struct DecisionVectorTests {
    @Test("A job, what its handler does, and how it is settled", arguments: ["decisions", "retries"])
    func decisions(_ file: String) async throws {
        let vectors = try VectorFile.list(file)
        try await withDecisions { decisions in
            // A worker at a time: each setting has its own.
            var settings: [Value] = []
            for vector in vectors where !settings.contains(vector["worker"] ?? [:]) { settings.append(vector["worker"] ?? [:]) }
            for setting in settings {
                try await withRunning(try decisions.worker(setting)) {
                    for vector in vectors where (vector["worker"] ?? [:]) == setting {
                        do { try await decisions.run(vector) } catch { Issue.record("\(vector.name): \(error)") }
                    }
                }
            }
        }
    }

    @Test("What is not as a vector says is seen")
    func faults() async throws {
        let vectors = try VectorFile.list("decisions")
        let answered = try #require(vectors.first { $0.name == "json: a value" })
        let retried = try #require(vectors.first { $0.name == "a handler asks for another attempt, without a time" })
        let wrong: [(Value, Value)] = [
            (answered, ["outcome": "failed"]), (answered, ["outcome": "dead exhausted *"]), (answered, ["inbox": "other"]),
            (answered, ["answer": ["utf8": "[]"]]), (answered, ["pushes": ["x": [["utf8": "[]"]]]]),
            (retried, ["ms": [0, 7499]]),
            (retried, ["answer": ["codec": "msgpack", "value": ["any": true]]]),
        ]
        try await withDecisions { decisions in
            try await withRunning(try decisions.worker([:])) {
                for (vector, change) in wrong {
                    var (changed, then) = (vector.asMap ?? [:], vector["then"]?.asMap ?? [:])
                    for (key, value) in change.asMap ?? [:] { then[key] = value }
                    changed["then"] = .map(then)
                    await withKnownIssue("\(change)") { try await decisions.run(.map(changed)) }
                }
            }
        }
    }

    private func withDecisions(_ body: (Decisions) async throws -> Void) async throws {
        try await withPrivateRedis { server in
            let configuration = try RedisConfiguration(url: server.url)
            let redis = RedisClient(configuration, logger: Logger(label: "vectors"))
            let decisions = Decisions(redis: redis, configuration: configuration)
            try await decisions.load()
            try await body(decisions)
            await redis.shutdown()
        }
    }

    /// By doubling: a debug build takes its time for each step.
    private func repeated(_ bytes: [UInt8], _ times: Int) -> [UInt8] {
        guard times > 1 else { return times == 1 ? bytes : [] }
        let half = repeated(bytes, times / 2)
        return half + half + (times % 2 == 1 ? bytes : [])
    }

    @Test("What is at a limit is accepted, and what is beyond is not")
    func limits() throws {
        let wide = Limits(depth: 100, values: 2_000_000, bytes: 1 << 25)
        for vector in try VectorFile.list("limits") {
            var data: [UInt8] = []
            for part in vector["parts"]?.asArray ?? [] { data += repeated((part[0] ?? .null).bytes, Int(part[1]?.asInt ?? 0)) }
            let isAccepted = vector["accepted"] == true
            guard let name = vector["codec"]?.asText, let codec = CodecSet.standard.named(name) else {
                do throws(Malformed) {
                    _ = try Job(data, codecs: .standard, limits: .standard)
                    #expect(isAccepted, "\(vector.name)")
                } catch {
                    #expect(!isAccepted && error.reason.rawValue == vector["reason"]?.asText, "\(vector.name): \(error)")
                }
                continue
            }
            VectorFile.run(vector.name) {
                if isAccepted {
                    // Compared out of the expectation, which would print them.
                    let isSame = try codec.encode(codec.value(data)) == data
                    #expect(isSame, "\(vector.name)")
                } else {
                    #expect(throws: CodecError.self, "\(vector.name)") { try codec.parse(data, limits: .standard) }
                    let value = try codec.value(data, limits: wide)
                    #expect(throws: CodecError.self, "\(vector.name)") { try codec.encode(value, limits: .standard) }
                }
            }
        }
    }
}

import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Large jobs")
struct LargeJobTests {
    @Test("Very many bytes are pushed in several steps, and wait in their order")
    func push() async throws {
        try await Bench.run { bench in
            let text = String(repeating: "x", count: 700_000)
            try await bench.client.push((0..<40).map { try JobRequest("note", $0, text) }, queue: "q")
            let waiting = try await bench.redis.execute(["LLEN", "q"]).integer
            #expect(waiting == 40)
            for place in [0, 20, 39] {
                let bytes = try #require(try await bench.redis.execute(["LINDEX", "q", .init(place)]).bytes)
                #expect(try Job(bytes, codecs: .standard, limits: .standard).args[0].int == Int64(place))
            }
        }
    }

    @Test("A claim looks at one job first, and at no more than fit: Redis copies each that is looked at")
    func looks() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["FUNCTION", "LOAD", .init(FunctionLibrary.source)])
            let payload = RedisArgument([UInt8](repeating: 0x20, count: 600_000))
            for _ in 0..<20 { _ = try await bench.redis.execute(["RPUSH", "q", payload]) }
            _ = try await bench.redis.execute(.fcall(FunctionLibrary.hello, key: "q", ["p", "new"]))
            _ = try await bench.redis.execute(["CONFIG", "RESETSTAT"])
            let reply = try await bench.redis.execute(
                .fcall(FunctionLibrary.claim, key: "q", ["p", "1", "256", .init(FunctionLibrary.moveBytes), "default"]))
            #expect(try ClaimReply(reply).jobs.count == 2)
            // Two looks at one job each: all that was copied was claimed.
            let stats = try await bench.redis.execute(["INFO", "commandstats"]).string ?? ""
            #expect(stats.contains("cmdstat_lrange:calls=2,"), "\(stats)")
        }
    }
}

import Logging
import Tempest
import TempestRedis
import TempestTesting

/// A worker of tier 0 for the queue `raw`, as somebody would write it with BLPOP and RPUSH.
struct ForeignPage {
    struct NoJob: Error { var payload: [UInt8] }

    private let redis: RedisClient

    init(_ front: RunningFront) throws {
        redis = RedisClient(try RedisConfiguration(url: front.redis.url), logger: Logger(label: "test"))
    }

    /// Takes one job and answers with what `answer` makes of the JSON of its id: the answers' bytes.
    func answerOnce(_ answers: (String) -> String...) async throws {
        var payload: [UInt8]?
        try await eventually("a job") {
            payload = try await redis.execute(["LPOP", "raw"]).bytes
            return payload != nil
        }
        guard case .array(let job) = try JSONCodec().value(payload ?? []), case .text(let inbox) = job[2],
            case .text(let id) = job[3]
        else {
            throw NoJob(payload: payload ?? [])
        }
        for answer in answers {
            _ = try await redis.execute(["RPUSH", .text("{raw}:in:\(inbox)"), .text(answer("\"\(id)\""))])
        }
        await redis.shutdown()
    }
}

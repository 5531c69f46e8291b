import Logging
import Tempest
import TempestFront
import TempestRedis
import TempestTesting

/// Makes sessions in Redis as a worker of any language and a front's first look make them.
struct SessionWriter {
    private let address: RedisConfiguration

    init(_ front: RunningFront) throws { address = try RedisConfiguration(url: front.redis.url) }

    /// A session of this id with a user.
    func logIn(_ id: String, as user: String = "anna") async throws {
        let redis = RedisClient(address, logger: Logger(label: "test"))
        _ = try await redis.execute(["HSET", .text("session:\(id)"), "user", .text("[\"\(user)\"]")])
        await redis.shutdown()
    }
}

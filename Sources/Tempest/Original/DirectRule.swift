// Whether a direct address of a job may be answered at all: decided from its text alone, before the job runs and before anything is looked
// up. Part of reading an envelope.

import TempestRedis

struct DirectRule: Sendable {
    /// Ports of services of the system, and those where Redis, its cluster bus and Sentinel listen: no node is there.
    private static let redisPorts: Set<Int> = [6379, 16379, 26379]
    private static let lowestPort = 1024

    let allowed: AllowedNetworks
    /// The port of our own Redis, if it has one.
    let redisPort: Int?

    init(_ allowed: AllowedNetworks, redis: RedisConfiguration) {
        self.allowed = allowed
        self.redisPort = redis.socketPath == nil ? redis.port : nil
    }

    /// Why the address is refused; nil: it is not.
    func refusal(host: String, port: Int, action: String) -> String? {
        if KnownCommands.contains(action) { return "the answer would be a command of Redis: an action must not be called so" }
        if port < Self.lowestPort { return "no node listens at a port below \(Self.lowestPort)" }
        if port == redisPort || Self.redisPorts.contains(port) { return "no node listens at a port of Redis" }
        if allowed.target(host) == nil { return "the host is not in the networks that may be answered directly (\(allowed))" }
        return nil
    }
}

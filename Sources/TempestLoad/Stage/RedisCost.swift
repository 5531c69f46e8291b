// What Redis has used, as it tells it itself. Before it: a connection. After it: costs a job, and its version for the report.

import TempestRedis

struct RedisCost: Sendable {
    /// Seconds of processor time.
    var processor: Double
    var version: String
    /// What clients have sent, as far as it can be told: Redis counts what functions call along with it.
    var commands: Int
    /// The most bytes that its data has taken.
    var peak: Int

    /// Commands that no function of ours calls, and that idle workers send.
    private static let ofClients: [Substring] = ["fcall", "blmove", "ping"]

    static func now(_ redis: RedisClient) async throws -> RedisCost {
        let reply = try await redis.execute(["INFO", "everything"])
        var facts: [Substring: Substring] = [:]
        for line in (reply.string ?? "").split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { facts[parts[0]] = parts[1] }
        }
        func number(_ name: Substring) -> Double { facts[name].flatMap { Double($0) } ?? 0 }
        // `calls=12,usec=…`
        let commands = Self.ofClients.reduce(0) { sum, name in
            let calls = facts["cmdstat_\(name)"]?.split(separator: ",").first?.split(separator: "=").last
            return sum + (calls.flatMap { Int($0) } ?? 0)
        }
        return RedisCost(
            processor: number("used_cpu_user") + number("used_cpu_sys"), version: facts["redis_version"].map(String.init) ?? "?",
            commands: commands, peak: Int(number("used_memory_peak")))
    }
}

import HTTPTypes
import Logging
import Tempest
import TempestTesting
import Testing

@testable import TempestFront
@testable import TempestRedis

/// What the tests of sessions share: a private Redis, sessions in it, and a bare connection that plays the workers.
struct SessionBench {
    let redis: RedisClient
    let configuration: RedisConfiguration
    let logger: Logger

    static func run(_ body: (SessionBench) async throws -> Void) async throws {
        try await withPrivateRedis { server in
            let configuration = try RedisConfiguration(url: server.url)
            var logger = Logger(label: "test.sessions")
            logger.logLevel = .critical
            let redis = RedisClient(configuration, logger: logger)
            do {
                try await body(SessionBench(redis: redis, configuration: configuration, logger: logger))
                await redis.shutdown()
            } catch {
                await redis.shutdown()
                throw error
            }
        }
    }

    func sessions(_ rules: SessionRules = SessionRules()) throws -> Sessions {
        try Sessions(client: redis, rules: rules, logger: logger)
    }

    /// As a worker of any language writes a field.
    func write(_ id: String, _ field: String = "user", _ json: String = #"["anna"]"#) async throws {
        _ = try await redis.execute(["HSET", .init("session:\(id)"), .init(field), .init(json)])
    }

    func fields(_ id: String) async throws -> [String] {
        (try await redis.execute(["HGETALL", .init("session:\(id)")]).array ?? []).compactMap(\.string)
    }

    func exists(_ id: String) async throws -> Bool {
        try await redis.execute(["EXISTS", .init("session:\(id)")]).integer == 1
    }

    /// How many commands Redis has served for scripts since it was asked last, for counting calls.
    func calls() async throws -> Int {
        let text = try await redis.execute(["INFO", "commandstats"]).string ?? ""
        return text.split(separator: "\r\n").filter { $0.hasPrefix("cmdstat_eval") }.reduce(0) { sum, line in
            sum + (Int(line.drop { $0 != "=" }.dropFirst().prefix { $0.isNumber }) ?? 0)
        }
    }

    /// A session that is there, and its id.
    func given(_ sessions: Sessions, user: String = #"["anna"]"#) async throws -> String {
        let ticket = try await sessions.lookup([:])
        try await write(ticket.id, "user", user)
        var headers = HTTPFields()
        try await ticket.finish(&headers)
        return try #require(SessionBench.id(headers[.setCookie]))
    }

    static func cookie(_ id: String, name: String = "__Host-tempest") -> HTTPFields { [.cookie: "\(name)=\(id)"] }

    /// The id that a line of Set-Cookie gives.
    static func id(_ line: String?) -> String? {
        line.map { String($0.drop { $0 != "=" }.dropFirst().prefix { $0 != ";" }) }
    }
}

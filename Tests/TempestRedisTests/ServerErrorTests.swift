// Each kind of refusal, from a real server where it can be made to refuse, from a fake one where it cannot.

import Logging
import NIOCore
import TempestTesting
import Testing

@testable import TempestRedis

func makeClient(
    _ url: String, patience: Duration = .seconds(5), change: (inout RedisConfiguration) -> Void = { _ in }
) throws -> RedisClient {
    var configuration = try RedisConfiguration(url: url)
    change(&configuration)
    var logger = Logger(label: "test")
    // Failing to connect is what many of these tests are about.
    logger.logLevel = .critical
    return RedisClient(configuration, name: "test", logger: logger, patience: patience)
}

/// The client lives as long as the body.
func withClient<R>(
    _ url: String, patience: Duration = .seconds(5), change: (inout RedisConfiguration) -> Void = { _ in },
    _ body: (RedisClient) async throws -> R
) async throws -> R {
    let client = try makeClient(url, patience: patience, change: change)
    do {
        let result = try await body(client)
        await client.shutdown()
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}

@Suite("A refusal", .timeLimit(.minutes(2)))
struct ServerErrorTests {
    func refusal(
        _ url: String, _ command: RedisCommand = ["PING"], patience: Duration = .milliseconds(200)
    ) async throws -> RedisError? {
        try await withClient(url, patience: patience) { client in
            await #expect(throws: RedisError.self) { _ = try await client.execute(command) }
        }
    }

    @Test("by a port where nobody listens says so, and what to do")
    func refused() async throws {
        let error = try await self.refusal("redis://127.0.0.1:1")
        #expect(error?.code == .refused)
        #expect(
            error?.message
                == "127.0.0.1:1 refused the connection: is redis-server running there? Check the URL of Redis")
    }

    @Test("by a socket that is not there names its path")
    func missingSocket() async throws {
        let error = try await self.refusal("unix:///tmp/no-such-folder/x.sock")
        #expect(error?.code == .refused)
        #expect(error?.message.contains("/tmp/no-such-folder/x.sock") == true)
    }

    @Test("by a socket path that is too long comes at once")
    func longSocket() async throws {
        let error = try await self.refusal("unix:///" + String(repeating: "x", count: 200), patience: .seconds(60))
        #expect(error?.code == .url)
    }

    @Test("by a resolver that does not know the host")
    func unknownHost() async throws {
        let error = try await self.refusal("redis://no-such-host.invalid:6379")
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("no-such-host.invalid") == true)
    }

    @Test("for want of a password, or for a wrong one, comes at once")
    func passwords() async throws {
        try await withPrivateRedis(.init(tcp: true, arguments: ["--requirepass", "sesame"])) { redis in
            let without = try await self.refusal(redis.url, patience: .seconds(60))
            #expect(without?.code == .authentication)
            #expect(without?.reply?.hasPrefix("NOAUTH") == true)
            let wrong = try await self.refusal(redis.url + "?password=wrong", patience: .seconds(60))
            #expect(wrong?.code == .authentication)
            #expect(wrong?.reply?.hasPrefix("WRONGPASS") == true)
            #expect(wrong?.description.contains("wrong@") == false)
            let right = try await withClient(redis.url + "?password=sesame") { try await $0.execute(["PING"]) }
            #expect(right == .status("PONG"))
        }
    }

    @Test(
        "names what was read: the variable, the option",
        arguments: [
            ("REDIS_URL", "REDIS_URL"), ("REDISTOGO_URL", "REDISTOGO_URL"), ("REDISCLOUD_URL", "REDISCLOUD_URL"),
            ("--redis", "--redis"), (nil, "the URL of Redis"),
        ] as [(String?, String)])
    func origin(_ source: String?, _ name: String) async throws {
        func refusal(_ url: String) async throws -> RedisError? {
            let configuration =
                switch source {
                case nil: try RedisConfiguration(url: url)
                case "--redis": try RedisConfiguration(url: url, origin: "--redis")
                case let variable?: try RedisConfiguration.environment([variable: url])
                }
            return try await withClient(url, patience: .milliseconds(200), change: { $0 = configuration }) { client in
                await #expect(throws: RedisError.self) { _ = try await client.execute(["PING"]) }
            }
        }
        #expect(try await refusal("redis://127.0.0.1:1")?.message.hasSuffix("Check \(name)") == true)
        #expect(try await refusal("redis://no-such-host.invalid")?.message.contains("check its name in \(name)") == true)
        try await withPrivateRedis(.init(tcp: true, arguments: ["--requirepass", "sesame"])) { redis in
            let missing = try await refusal(redis.url)
            #expect(missing?.message.contains("put it into \(name) as redis://") == true)
            let wrong = try await refusal(redis.url + "?password=wrong")
            #expect(wrong?.message.contains("the password in \(name), or") == true)
        }
    }

    @Test("of a user that services of 2012 write into their variables is none: their password counts alone")
    func lostUser() async throws {
        let user = ["--user", "known", "on", ">own", "~*", "+@all", "--requirepass", "sesame"]
        try await withPrivateRedis(.init(arguments: user)) { redis in
            func name(_ variables: [String: String]) async throws -> RedisReply {
                let configuration = try RedisConfiguration.environment(variables)
                return try await withClient(redis.url, patience: .zero, change: { $0 = configuration }) { client in
                    _ = try await client.execute(["PING"])
                    // Another connection starts without it.
                    let own = try await client.open(name: "own")
                    defer { own.close() }
                    return try await own.execute(["ACL", "WHOAMI"])
                }
            }
            let stranger = redis.url + "?user=redistogo&password=sesame"
            for variable in ["REDISTOGO_URL", "REDISCLOUD_URL"] {
                #expect(try await name([variable: stranger]).string == "default")
                #expect(try await name([variable: redis.url + "?user=known&password=own"]).string == "known")
                // As a supervisor hands it on.
                #expect(try await name([variable: stranger, "REDIS_URL": stranger]).string == "default")
                let wrong = await #expect(throws: RedisError.self) {
                    _ = try await name([variable: redis.url + "?user=known&password=wrong"])
                }
                #expect(wrong?.code == .authentication && wrong?.message.contains(variable) == true)
            }
            for variables in [["REDIS_URL": stranger], ["REDIS_URL": stranger, "REDISTOGO_URL": redis.url]] {
                let error = await #expect(throws: RedisError.self) { _ = try await name(variables) }
                #expect(error?.reply?.hasPrefix("WRONGPASS") == true)
            }
            // Each that was refused is in Redis' log once, not at each connection.
            try await withClient(redis.url + "?password=sesame") { client in
                _ = try await client.execute(["ACL", "LOG", "RESET"])
                _ = try await name(["REDISTOGO_URL": stranger])
                #expect(try await client.execute(["ACL", "LOG"]).array?.count == 1)
            }
        }
    }

    @Test("for want of a right, but a user without INFO and CLIENT still connects")
    func rights() async throws {
        let user = ["--user", "poor", "on", ">p", "~a", "+get"]
        try await withPrivateRedis(.init(arguments: user)) { redis in
            try await withClient(redis.url + "?user=poor&password=p") { client in
                #expect(try await client.execute(["GET", "a"]) == .null)
                let connection = try await client.connection().get()
                #expect(connection.clientID == 0)
                #expect(connection.serverRunID == "")
                let error = await #expect(throws: RedisError.self) { _ = try await client.execute(["SET", "a", "b"]) }
                #expect(error?.code == .permission)
            }
        }
    }

    @Test("by a database that is not there comes at once")
    func database() async throws {
        try await withPrivateRedis { redis in
            let error = try await self.refusal(redis.url + "?db=99", patience: .seconds(60))
            #expect(error?.code == .badArgument)
            #expect(error?.message.contains("database") == true)
        }
    }

    @Test("by maxclients")
    func clients() async throws {
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { first in
                _ = try await first.execute(["CONFIG", "SET", "maxclients", "1"])
                let error = try await self.refusal(redis.url)
                #expect(error?.code == .clients)
                _ = try await first.execute(["CONFIG", "SET", "maxclients", "100"])
                #expect(try await first.execute(["PING"]) == .status("PONG"))
            }
        }
    }

    @Test("by maxmemory, by a replica, by a key's type, by an unknown function")
    func replies() async throws {
        try await withPrivateRedis { redis in
            func code(_ client: RedisClient, _ command: RedisCommand) async -> RedisError.Code? {
                await #expect(throws: RedisError.self) { _ = try await client.execute(command) }?.code
            }
            try await withClient(redis.url) { client in
                _ = try await client.execute(["RPUSH", "list", "x"])
                #expect(await code(client, ["GET", "list"]) == .wrongType)
                #expect(await code(client, .fcall("none", key: "k", [])) == .noFunction)
                #expect(await code(client, ["NOSUCHCOMMAND"]) == .reply)
                _ = try await client.execute(["CONFIG", "SET", "maxmemory", "1"])
                #expect(await code(client, ["SET", "a", "b"]) == .memory)
                _ = try await client.execute(["CONFIG", "SET", "maxmemory", "0"])
                _ = try await client.execute(["REPLICAOF", "127.0.0.1", "1"])
                #expect(await code(client, ["SET", "a", "b"]) == .readOnly)
            }
        }
    }

    @Test("of functions arrives with its word")
    func functions() async throws {
        let library = """
            #!lua name=t
            redis.register_function('t_fenced', function() return redis.error_reply('FENCED p is gone') end)
            redis.register_function('t_resync', function() return redis.error_reply('RESYNC 7') end)
            redis.register_function('t_bad', function() return redis.error_reply('BADARG n') end)
            """
        try await withPrivateRedis { redis in
            try await withClient(redis.url) { client in
                _ = try await client.execute(["FUNCTION", "LOAD", RedisArgument(library)])
                for (name, code) in [("t_fenced", RedisError.Code.fenced), ("t_resync", .resync), ("t_bad", .badArgument)] {
                    let error = await #expect(throws: RedisError.self) {
                        _ = try await client.execute(.fcall(name, key: "k", []))
                    }
                    #expect(error?.code == code)
                }
            }
        }
    }

    @Test("by a Redis that is too old comes at once")
    func tooOld() async throws {
        let info = "redis_version:6.2.7\r\nrun_id:x\r\n"
        try await FakeServer.run(replies: ["INFO": "$\(info.utf8.count)\r\n\(info)\r\n"]) { server in
            let error = try await self.refusal(server.url, patience: .seconds(60))
            #expect(error?.code == .tooOld)
            #expect(error?.message.contains("6.2.7") == true)
        }
    }

    @Test("by a Redis that loads its data lasts until the patience is at its end")
    func loading() async throws {
        try await FakeServer.run(replies: ["PING": "-LOADING Redis is loading the dataset in memory\r\n"]) { server in
            let error = try await self.refusal(server.url, ["GET", "a"], patience: .milliseconds(300))
            #expect(error?.code == .loading)
        }
    }

    @Test("by a greeting that is an error, and by one that is no Redis at all")
    func greetings() async throws {
        try await FakeServer.run(greeting: "-ERR max number of clients reached\r\n") { server in
            let error = try await self.refusal(server.url)
            #expect(error?.code == .clients)
        }
        try await FakeServer.run(greeting: "SSH-2.0-OpenSSH_9.2\r\n") { server in
            let error = try await self.refusal(server.url)
            #expect(error?.code == .protocolError)
        }
    }

    @Test("by a client that was shut down")
    func shutDown() async throws {
        try await withPrivateRedis { redis in
            let client = try makeClient(redis.url)
            _ = try await client.execute(["PING"])
            await client.shutdown()
            let error = await #expect(throws: RedisError.self) { _ = try await client.execute(["PING"]) }
            #expect(error?.code == .closed)
            let opened = await #expect(throws: RedisError.self) {
                let connection: RedisConnection = try await client.open(name: "x")
                connection.close()
            }
            #expect(opened?.code == .closed)
        }
    }
}

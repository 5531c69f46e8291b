import Logging
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@Suite("Vectors of the Redis functions")
struct FunctionVectorTests {
    @Test("Lists before, call, result, lists after")
    func functions() async throws {
        try await withPrivateRedis { server in
            let redis = RedisClient(try RedisConfiguration(url: server.url), logger: Logger(label: "test"))
            let loaded = try await redis.execute(["FUNCTION", "LOAD", .init(FunctionLibrary.source)])
            #expect(loaded.string == "tempest1")
            #expect(try await redis.execute(["FCALL", "tempest1_revision", "0"]).integer == Int64(FunctionLibrary.revision))
            let vectors = try VectorFile.list("functions")
            for vector in vectors where vector["published"] == nil { try await run(vector, redis) }
            try await redis.withSubscription(channels: [], patterns: ["*"]) { subscription in
                var messages = subscription.makeAsyncIterator()
                for vector in vectors {
                    guard let wanted = vector["published"] else { continue }
                    try await run(vector, redis)
                    _ = try await redis.execute(["PUBLISH", "end", ""])
                    var published: [Value] = []
                    while let message = try await messages.next(), message.channel != "end" {
                        published.append([.text(message.channel), .text(String(decoding: message.payload, as: UTF8.self))])
                    }
                    #expect(.array(published) == filled(wanted, .array(published)), "\(vector.name)")
                }
            }
            await redis.shutdown()
        }
    }

    private func run(_ vector: Value, _ redis: RedisClient) async throws {
        _ = try await redis.execute(["FLUSHALL"])
        for (key, content) in vector["before"]?.asMap ?? [:] { try await put(key, content, redis) }
        let call = (vector["call"]?.asArray ?? []).map { $0.asText ?? "" }
        let result: Value
        do throws(RedisError) {
            result = shown(try await redis.execute(.fcall(call[0], key: call[1], call[2...].map { .init($0) })))
        } catch {
            result = ["error": .text(String((error.reply ?? "").split(separator: " ").first ?? ""))]
        }
        #expect(result == filled(vector["result"] ?? .null, result), "\(vector.name)")
        for (key, content) in vector["after"]?.asMap ?? [:] {
            if key == "absent" {
                for absent in content.asArray ?? [] {
                    let exists = try await redis.execute(["EXISTS", .init(absent.asText ?? "")]).integer
                    #expect(exists == 0, "\(vector.name): \(absent)")
                }
            } else {
                try await expect(key, content, redis, vector.name)
            }
        }
    }

    private func put(_ key: String, _ content: Value, _ redis: RedisClient) async throws {
        let key = RedisArgument(key)
        for (type, value) in content.asMap ?? [:] {
            switch type {
            case "list": _ = try await redis.execute(RedisCommand(["RPUSH", key] + words(value)))
            case "set": _ = try await redis.execute(RedisCommand(["SADD", key] + words(value)))
            case "string": _ = try await redis.execute(["SET", key, .init(value.asText ?? "")])
            case "zset":
                let pairs = (value.asMap ?? [:]).flatMap { [RedisArgument("\($0.value.asInt ?? 0)"), .init($0.key)] }
                _ = try await redis.execute(RedisCommand(["ZADD", key] + pairs))
            case "stream":
                for record in value.asArray ?? [] {
                    let fields = (record.asArray?[1].asMap ?? [:]).flatMap {
                        [RedisArgument($0.key), .init($0.value.asText ?? "")]
                    }
                    _ = try await redis.execute(RedisCommand(["XADD", key, .init(record.asArray?[0].asText ?? "")] + fields))
                }
            default:
                let pairs = (value.asMap ?? [:]).flatMap { [RedisArgument($0.key), .init($0.value.asText ?? "")] }
                _ = try await redis.execute(RedisCommand(["HSET", key] + pairs))
            }
        }
    }

    private func words(_ list: Value) -> [RedisArgument] { (list.asArray ?? []).map { .init($0.asText ?? "") } }

    private func expect(_ key: String, _ content: Value, _ redis: RedisClient, _ name: String) async throws {
        let word = RedisArgument(key)
        for (type, value) in content.asMap ?? [:] {
            switch type {
            case "list":
                let found = try await redis.execute(["LRANGE", word, "0", "-1"])
                #expect(shown(found) == value, "\(name): \(key)")
            case "set":
                let found = Set((try await redis.execute(["SMEMBERS", word]).array ?? []).compactMap(\.string))
                #expect(found == Set((value.asArray ?? []).compactMap(\.asText)), "\(name): \(key)")
            case "string":
                let found = try await redis.execute(["GET", word])
                #expect(shown(found) == value, "\(name): \(key)")
            case "zset":
                let found = pairs(try await redis.execute(["ZRANGE", word, "0", "-1", "WITHSCORES"])) { .int(Int64($0) ?? -1) }
                #expect(found == filled(value, found), "\(name): \(key)")
            case "stream":
                let records = try await redis.execute(["XRANGE", word, "-", "+"]).array ?? []
                let found = Value.array(
                    records.map { record in
                        .array([shown(record.array?[0] ?? .null), pairs(record.array?[1] ?? .null) { .text($0) }])
                    })
                #expect(found == filled(value, found), "\(name): \(key)")
            default:
                let found = pairs(try await redis.execute(["HGETALL", word])) { .text($0) }
                #expect(found == filled(value, found), "\(name): \(key)")
            }
        }
    }

    private func pairs(_ reply: RedisReply, _ value: (String) -> Value) -> Value {
        let found = (reply.array ?? []).map { $0.string ?? "" }
        return .map(ValueMap(stride(from: 0, to: found.count - 1, by: 2).map { (found[$0], value(found[$0 + 1])) }))
    }

    /// What is expected, with what was found wherever a vector says `{"any": true}`: times, and ids made of times.
    private func filled(_ expected: Value, _ found: Value) -> Value {
        if expected == ["any": true] { return found }
        if let wanted = expected.asArray, let items = found.asArray, wanted.count == items.count {
            return .array(zip(wanted, items).map { filled($0, $1) })
        }
        if let wanted = expected.asMap, let map = found.asMap {
            return .map(ValueMap(wanted.map { ($0.key, filled($0.value, map[$0.key] ?? .null)) }))
        }
        return expected
    }

    private func shown(_ reply: RedisReply) -> Value {
        switch reply {
        case .null: .null
        case .integer(let integer): .int(integer)
        case .array(let elements): .array(elements.map(shown))
        case .error(let text): ["error": .text(String(text.split(separator: " ").first ?? ""))]
        default: .text(reply.string ?? "")
        }
    }
}

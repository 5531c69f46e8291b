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
            for vector in try VectorFile.list("functions") {
                _ = try await redis.execute(["FLUSHALL"])
                for (key, content) in vector["before"]?.asMap ?? [:] { try await put(key, content, redis) }
                let call = (vector["call"]?.asArray ?? []).map { $0.asText ?? "" }
                let result: Value
                do throws(RedisError) {
                    result = shown(try await redis.execute(.fcall(call[0], key: call[1], call[2...].map { .init($0) })))
                } catch {
                    result = ["error": .text(String((error.reply ?? "").split(separator: " ").first ?? ""))]
                }
                #expect(result == vector["result"], "\(vector.name)")
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
            await redis.shutdown()
        }
    }

    private func put(_ key: String, _ content: Value, _ redis: RedisClient) async throws {
        let key = RedisArgument(key)
        for (type, value) in content.asMap ?? [:] {
            switch type {
            case "list": _ = try await redis.execute(RedisCommand(["RPUSH", key] + words(value)))
            case "set": _ = try await redis.execute(RedisCommand(["SADD", key] + words(value)))
            case "string": _ = try await redis.execute(["SET", key, .init(value.asText ?? "")])
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
            default:
                let found = (try await redis.execute(["HGETALL", word]).array ?? []).map { $0.string ?? "" }
                let map = ValueMap(stride(from: 0, to: found.count - 1, by: 2).map { (found[$0], .text(found[$0 + 1])) })
                #expect(.map(map) == value, "\(name): \(key)")
            }
        }
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

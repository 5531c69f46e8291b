import TempestCodecs
import TempestRedis
import Testing

@Suite("Vectors of Redis URLs")
struct URLVectorTests {
    @Test("A URL names the Redis that the vectors say")
    func valid() throws {
        for vector in try VectorFile.list("urls", "valid") {
            let url = vector["url"]?.asText ?? ""
            VectorFile.run(url) {
                let configuration = try RedisConfiguration(url: url)
                #expect(configuration == Self.wanted(vector), "\(url.debugDescription)")
            }
        }
    }

    private static func wanted(_ vector: Value) -> RedisConfiguration {
        var tls: RedisTLS?
        if let files = vector["tls"], files != .null {
            tls = RedisTLS(
                caFile: files["ca"]?.asText, certificateFile: files["cert"]?.asText, keyFile: files["key"]?.asText,
                serverName: files["name"]?.asText)
        }
        return RedisConfiguration(
            host: vector["host"]?.asText ?? "", port: Int(vector["port"]?.asInt ?? 0), socketPath: vector["socket"]?.asText,
            username: vector["user"]?.asText, password: vector["password"]?.asText, database: Int(vector["database"]?.asInt ?? 0),
            tls: tls)
    }

    @Test("A URL that is wrong is refused with the reason, and nothing of it is said again")
    func invalid() throws {
        for vector in try VectorFile.list("urls", "invalid") {
            let (url, says) = (vector["url"]?.asText ?? "", vector["says"]?.asText ?? "?")
            let error = #expect(throws: RedisError.self, "\(url.debugDescription)") { _ = try RedisConfiguration(url: url) }
            #expect(
                error?.code == .url && error?.message.contains(says) == true,
                "\(url.debugDescription): \(String(describing: error))")
            #expect(error?.description.contains("sesame") == false)
        }
    }

    @Test("Of the environment's variables the first counts that says something; without any it is this host")
    func environment() throws {
        for vector in try VectorFile.list("urls", "environment") {
            guard case .map(let members)? = vector["variables"] else { continue }
            let variables = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.asText ?? "") })
            let wanted = try RedisConfiguration(url: vector["url"]?.asText ?? "")
            #expect(try RedisConfiguration.environment(variables) == wanted, "\(variables)")
        }
    }

    @Test("An error names the variable that was read; the password of services of 2012 may stand alone")
    func origins() throws {
        for vector in try VectorFile.list("urls", "origins") {
            guard case .map(let members)? = vector["variables"] else { continue }
            let variables = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.asText ?? "") })
            let origin = try RedisConfiguration.environment(variables).origin
            #expect(origin.name == vector["origin"]?.asText, "\(variables)")
            #expect(origin.mayLoseUser == vector["may_lose_user"]?.asBool, "\(variables)")
        }
    }
}

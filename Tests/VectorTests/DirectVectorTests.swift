import TempestCodecs
import TempestProtocol
import Testing

@testable import Tempest
@testable import TempestRedis

@Suite("Vectors of direct answers")
struct DirectVectorTests {
    private static func networks(_ vector: Value) throws -> AllowedNetworks {
        let list = vector["networks"]?.asArray?.compactMap(\.asText) ?? []
        guard let anyHost = vector["any_host"]?.asText else { return try AllowedNetworks(list) }
        return try AllowedNetworks(list, anyHost: anyHost)
    }

    @Test("A host of a job stands for what the vectors say")
    func networks() throws {
        for vector in try VectorFile.list("direct", "networks") {
            let networks = try Self.networks(vector)
            for (host, wanted) in vector["targets"]?.asMap ?? [:] {
                let target: AllowedNetworks.Target? =
                    if let address = wanted["address"]?.asText {
                        .address(address)
                    } else if let name = wanted["name"]?.asText {
                        .name(name)
                    } else {
                        nil
                    }
                #expect(networks.target(host) == target, "\(vector.name): \(host)")
            }
        }
    }

    @Test("Networks that are none are refused")
    func refusedNetworks() throws {
        for vector in try VectorFile.list("direct", "refused_networks") {
            #expect(throws: RedisError.self, "\(vector)") { try Self.networks(vector) }
        }
    }

    @Test("Names that Redis has a command for are known, in any case")
    func commands() throws {
        for name in try VectorFile.list("direct", "commands").compactMap(\.asText) {
            #expect(KnownCommands.contains(name) && KnownCommands.contains(name.uppercased()), "\(name)")
        }
        for name in try VectorFile.list("direct", "modules").compactMap(\.asText) {
            #expect(KnownCommands.contains(name + ".x") && KnownCommands.contains(name.uppercased() + ".X"), "\(name)")
        }
    }

    @Test("Addresses are refused before anything is looked up")
    func refusals() throws {
        for vector in try VectorFile.list("direct", "refusals") {
            var redis = RedisConfiguration()
            if let port = vector["redis_port"]?.asInt { redis.port = Int(port) } else { redis.socketPath = "/redis.sock" }
            let refusal = DirectRule(try Self.networks(vector), redis: redis).refusal(
                host: vector["host"]?.asText ?? "", port: Int(vector["port"]?.asInt ?? 0), action: vector["action"]?.asText ?? "")
            #expect((refusal == nil) == vector["accepted"]?.asBool, "\(vector): \(refusal ?? "accepted")")
        }
    }

    @Test("A node is told what the vectors say, or nothing")
    func payloads() throws {
        for vector in try VectorFile.list("direct", "payloads") {
            VectorFile.run(vector.name) {
                let job = try Job(
                    vector["job"]?.bytes ?? [], codecs: .standard, limits: .standard, directRule: { _, _, _ in nil })
                let answer = try Answer(vector["answer"]?.bytes ?? [], codecs: .standard, limits: .standard)
                let words = try DirectPayload.words(for: answer, to: job, readsMeta: vector["reads_meta"]?.asBool ?? false)
                #expect(words?.map(Self.text) == vector["words"]?.asArray?.map { $0.asText }, "\(vector.name)")
            }
        }
    }

    private static func text(_ word: RedisArgument) -> String? {
        switch word {
        case .text(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    @Test("What listens is a node or none, by what it says of itself")
    func infos() throws {
        for vector in try VectorFile.list("direct", "infos") {
            let readsMeta = try? Self.readsMeta(vector["reply"]?.bytes ?? [])
            let wanted = vector["node"]?.asText.map { $0 == "tempest" }
            #expect(readsMeta == wanted, "\(vector.name)")
        }
    }

    private static func readsMeta(_ bytes: [UInt8]) throws -> Bool {
        var parser = try ReplyParser(limit: 64 << 10)
        try bytes.withUnsafeBytes { try parser.feed($0) }
        let reply = try #require(try parser.next())
        if case .error(let text) = reply { throw ServerErrorReply.error(text, from: RedisPlace(address: "the node")) }
        return try DirectLink.readsMeta(reply)
    }

    @Test("Args that are no array are one argument at a worker that answers directly, and bad_envelope at others")
    func arguments() throws {
        for vector in try VectorFile.list("direct", "arguments") {
            let bytes = vector["job"]?.bytes ?? []
            VectorFile.run(vector.name) {
                let job = try Job(bytes, codecs: .standard, limits: .standard, readsSingle: true)
                #expect(job.args.value == vector["args"]?.untagged, "\(vector.name)")
                do {
                    let strict = try Job(bytes, codecs: .standard, limits: .standard)
                    #expect(strict.args.value == job.args.value, "\(vector.name)")
                } catch {
                    #expect((error as? Malformed)?.reason == .badEnvelope, "\(vector.name)")
                }
            }
        }
    }
}

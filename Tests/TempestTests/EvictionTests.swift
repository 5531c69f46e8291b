import Logging
import Synchronization
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("A Redis that throws keys away when it is full")
struct EvictionTests {
    @Test(
        "Clients and workers warn of it, and of nothing else",
        arguments: [
            ("allkeys-lru", "100mb", true), ("allkeys-random", "0", false), ("noeviction", "100mb", false),
            ("volatile-lru", "100mb", false),
        ])
    func warned(_ policy: String, _ memory: String, _ warns: Bool) async throws {
        try await Bench.run(.init(arguments: ["--maxmemory", memory, "--maxmemory-policy", policy])) { bench in
            let warning = try await bench.client.evictionWarning()
            let told = "this Redis throws jobs away when it is full: its maxmemory-policy is \(policy); set it to noeviction"
            #expect(warning == (warns ? told : nil))
        }
    }

    @Test("Who may not ask is told nothing") func permission() async throws {
        try await Bench.run(.init(arguments: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"])) { bench in
            _ = try await bench.redis.execute(["ACL", "SETUSER", "me", "on", ">mine", "~*", "&*", "+@all", "-info"])
            let url = bench.server.url.replacing("unix://", with: "unix://me:mine@")
            let client = try TempestClient(redis: RedisConfiguration(url: url))
            #expect(try await client.evictionWarning() == nil)
            await client.shutdown()
        }
    }
}

@Suite("What is said of a handler's error")
struct ErrorTextTests {
    private struct Odd: Error, CustomStringConvertible { var description: String }

    @Test("Is one short line without what a terminal obeys")
    func line() {
        #expect(ErrorText.line(Odd(description: "a\nb\u{1B}[2J\0\u{202E}é🌪")) == "a\\nb\\u{1B}[2J\\0\\u{202E}é🌪")
        #expect(ErrorText.line(Odd(description: String(repeating: "x", count: 5_000_000))).count == ErrorText.most)
    }

    @Test("An error of a codec does not carry the value")
    func values() throws {
        struct Payload: Encodable { var secret = "my secret"; var number = Double.nan }
        let error = #expect(throws: EncodingError.self) { try JSONCodec().encode(encoding: Payload()) }
        #expect(!"\(error!)".contains("my secret"))
        let long = #expect(throws: EncodingError.self) {
            try JSONCodec().encode(encoding: String(repeating: "secret", count: 4_000_000))
        }
        #expect("\(long!)".count < 1000 && !"\(long!)".contains("secretsecret"))
    }
}

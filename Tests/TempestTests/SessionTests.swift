import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("The session of a job")
struct SessionTests {
    struct Person: Codable, Equatable, Sendable {
        var name: String
        var age: Int
    }

    static let id = String(repeating: "s", count: 43)

    /// Runs a handler for one job of a session, and throws what it throws.
    private static func run(
        _ bench: Bench, session: String? = id, _ body: @escaping @Sendable (JobSession?) async throws -> Void
    ) async throws {
        let failure = Mutex<(any Error)?>(nil)
        let worker = try bench.worker()
        worker.handle("url") { (context: JobContext) in
            do {
                try await body(context.session)
            } catch {
                failure.withLock { $0 = error }
            }
        }
        try await withRunning(worker) {
            let meta = session.map { #"{"session":"\#($0)"}"# } ?? "{}"
            try await bench.push(#"["url",[],"in","x",\#(meta)]"#)
            #expect(try await bench.answer("in") == ["url", "x", []])
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    @Test("Fields are written and read as values of their types, one by one and all together, and taken away")
    func fields() async throws {
        try await Bench.run { bench in
            try await Self.run(bench) { session in
                let session = try #require(session)
                #expect(try await session.get("name", as: String.self) == nil)
                try await session.set("name", to: "Grüße 🌪")
                try await session.set("person", to: Person(name: "anna", age: 41))
                try await session.set("visits", to: 7)
                try await session.set("nothing", to: String?.none)
                #expect(try await session.get("name") == "Grüße 🌪")
                #expect(try await session.get("person") == Person(name: "anna", age: 41))
                #expect(try await session.get("visits", as: Int.self) == 7)
                #expect(try await session.get("nothing", as: String.self) == nil)
                #expect(try await session.get("visits", as: Value.self) == 7)
                #expect(
                    try await session.all() == [
                        "name": "Grüße 🌪", "person": ["name": "anna", "age": 41], "visits": 7, "nothing": nil,
                    ])
                try await session.remove("name", "person", "nothing", "never there")
                try await session.remove()
                #expect(try await session.all() == ["visits": 7])
            }
            // As the other languages write it, and for no longer than sessions last.
            #expect(try await bench.redis.execute(["HGET", .init("session:\(Self.id)"), "visits"]).string == "[7]")
            let left = try await bench.redis.execute(["TTL", .init("session:\(Self.id)")]).integer ?? 0
            #expect((14 * 86400 - 60...14 * 86400).contains(left))
        }
    }

    @Test("Writing does not change how long a session lasts that a front looks after")
    func expiry() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["HSET", .init("session:\(Self.id)"), "user", #"["anna"]"#])
            _ = try await bench.redis.execute(["EXPIRE", .init("session:\(Self.id)"), "1000"])
            try await Self.run(bench) { session in
                #expect(try await session?.get("user") == "anna")
                try await session?.set("visits", to: 1)
            }
            let left = try await bench.redis.execute(["TTL", .init("session:\(Self.id)")]).integer ?? 0
            #expect((900...1000).contains(left))
        }
    }

    @Test(
        "A job without a session, or with one that is no id, has none: no key of Redis is made of what a job says",
        arguments: [
            nil, "", "*", String(repeating: "a", count: 42), "a:\(String(repeating: "b", count: 41))",
            String(repeating: "a", count: 44),
        ])
    func none(_ id: String?) async throws {
        try await Bench.run { bench in
            try await Self.run(bench, session: id) { #expect($0 == nil) }
        }
    }

    @Test("What is no field, and what is of another type, is an error that names the field and not its value")
    func malformed() async throws {
        try await Bench.run { bench in
            for (field, json) in [("plain", "secret"), ("two", "[1,2]"), ("map", #"{"a":1}"#), ("text", #"["secret"]"#)] {
                _ = try await bench.redis.execute(["HSET", .init("session:\(Self.id)"), .init(field), .init(json)])
            }
            try await Self.run(bench) { session in
                let session = try #require(session)
                for field in ["plain", "two", "map"] {
                    let error = await #expect(throws: SessionError.self) { try await session.get(field, as: Value.self) }
                    #expect(error?.code == .content)
                    #expect(error?.message.contains(field) == true && error?.message.contains("secret") == false)
                }
                let type = await #expect(throws: SessionError.self) { try await session.get("text", as: Int.self) }
                #expect(type?.code == .type)
                #expect(type?.message.contains("secret") == false, "\(type?.message ?? "")")
                #expect(await #expect(throws: SessionError.self) { try await session.all() }?.code == .content)
                for name in ["", String(repeating: "n", count: 256), "a\nb", "a\u{0}"] {
                    let error = await #expect(throws: SessionError.self) { try await session.set(name, to: 1) }
                    #expect(error?.code == .name)
                }
            }
        }
    }

    @Test("A key that is no session is an error of Redis, and is left alone")
    func foreign() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SET", .init("session:\(Self.id)"), "mine"])
            try await Self.run(bench) { session in
                await #expect(throws: RedisError.self) { try await session?.set("a", to: 1) }
                await #expect(throws: RedisError.self) { try await session?.get("a", as: Int.self) }
            }
            #expect(try await bench.redis.execute(["GET", .init("session:\(Self.id)")]).string == "mine")
        }
    }
}

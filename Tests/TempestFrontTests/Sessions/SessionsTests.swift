import HTTPTypes
import Hummingbird
import Logging
import Synchronization
import Tempest
import TempestProtocol
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Sessions")
struct SessionsTests {
    @Test("A visitor gets a cookie once a worker has made the session, and not before")
    func visitor() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let first = try await sessions.lookup([:])
            #expect(first.isNew)
            #expect(RandomToken.isToken(first.id))
            var headers: HTTPFields = [.contentType: "text/plain"]
            try await first.finish(&headers)
            #expect(headers == [.contentType: "text/plain"])
            #expect(try await !bench.exists(first.id))

            let second = try await sessions.lookup([:])
            #expect(second.id != first.id)
            try await bench.write(second.id, "visits", "[1]")
            try await second.finish(&headers)
            #expect(
                headers[.setCookie]
                    == "__Host-tempest=\(second.id); Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure")
            #expect(headers[.cacheControl] == "private")

            let third = try await sessions.lookup(SessionBench.cookie(second.id))
            #expect(!third.isNew)
            #expect(third.id == second.id)
            var nothing = HTTPFields()
            try await third.finish(&nothing)
            #expect(nothing == [:])
        }
    }

    @Test("No fixation: an id that Redis does not know is no session, and never becomes one")
    func fixation() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let chosen = RandomToken().text
            let ticket = try await sessions.lookup(SessionBench.cookie(chosen))
            #expect(ticket.isNew)
            #expect(ticket.id != chosen)
            try await bench.write(ticket.id)
            var headers = HTTPFields()
            try await ticket.finish(&headers)
            #expect(SessionBench.id(headers[.setCookie]) == ticket.id)
            #expect(try await !bench.exists(chosen))
        }
    }

    @Test(
        "Cookies that are no id are no session, and reach no key of Redis",
        arguments: [
            "", "a", "*", "../../etc/passwd", String(repeating: "a", count: 42), String(repeating: "a", count: 44),
            String(repeating: "a", count: 42) + "*", String(repeating: "a", count: 42) + "\u{e9}",
            "\"\(String(repeating: "a", count: 43))\"",
        ])
    func shapes(_ value: String) async throws {
        try await SessionBench.run { bench in
            let before = try await bench.calls()
            #expect(try await bench.sessions().lookup(SessionBench.cookie(value)).isNew)
            #expect(try await bench.calls() == before)
        }
    }

    @Test("One call of Redis before a request that has a cookie, none after; none before one without, one after")
    func calls() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let id = try await bench.given(sessions)
            var before = try await bench.calls()
            let old = try await sessions.lookup(SessionBench.cookie(id))
            #expect(try await bench.calls() == before + 1)
            var headers = HTTPFields()
            try await old.finish(&headers)
            #expect(try await bench.calls() == before + 1)

            before = try await bench.calls()
            let new = try await sessions.lookup([:])
            #expect(try await bench.calls() == before)
            try await new.finish(&headers)
            #expect(try await bench.calls() == before + 1)
        }
    }

    @Test("A session that nobody comes for is gone after its idle time; every request lengthens it, up to the absolute time")
    func expiry() async throws {
        try await SessionBench.run { bench in
            let short = try bench.sessions(SessionRules(idle: .milliseconds(300), absolute: .milliseconds(900)))
            let idle = try await bench.given(short)
            try await eventually("the idle session is gone") { try await !bench.exists(idle) }

            // Idle for so long that no machine, busy as it may be, leaves it alone until then.
            let sessions = try bench.sessions(SessionRules(idle: .seconds(2), absolute: .seconds(3)))
            let start = ContinuousClock.now
            let busy = try await bench.given(sessions)
            // Asked for all the time, so never idle: only the absolute time ends it.
            try await eventually("the busy session is over") { try await sessions.lookup(SessionBench.cookie(busy)).isNew }
            let lasted = start.duration(to: .now)
            #expect(lasted > .milliseconds(2990), "\(lasted)")

            // What a late worker writes brings it back for nobody.
            try await bench.write(busy)
            #expect(try await sessions.lookup(SessionBench.cookie(busy)).isNew)
            #expect(try await !bench.exists(busy))
        }
    }

    @Test("The times are those of the rules, and the fields are the workers' alone")
    func times() async throws {
        try await SessionBench.run { bench in
            let id = try await bench.given(try bench.sessions())
            let left = try await bench.redis.execute(["TTL", .init("session:\(id)")]).integer ?? 0
            #expect((14 * 86400 - 60...14 * 86400).contains(left))
            let born = try await bench.redis.execute(["TTL", .init("{session:\(id)}:born")]).integer ?? 0
            #expect((104 * 86400 - 60...104 * 86400).contains(born))
            #expect(try await bench.fields(id) == ["user", #"["anna"]"#])
        }
    }

    @Test("rotate: the same fields under a new id, the old one dead for good, also when a late worker writes to it")
    func rotate() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let old = try await bench.given(sessions)
            let ticket = try await sessions.lookup(SessionBench.cookie(old))
            let twin = try await sessions.lookup(SessionBench.cookie(old))
            var headers: HTTPFields = [Sessions.header: "Rotate"]
            try await ticket.finish(&headers)
            #expect(headers[Sessions.header] == nil)
            let new = try #require(SessionBench.id(headers[.setCookie]))
            #expect(RandomToken.isToken(new) && new != old)
            #expect(try await bench.fields(new) == ["user", #"["anna"]"#])
            #expect(try await !bench.exists(old))

            // Another answer that was on its way says it too: the browser keeps what the first one gave it.
            var late: HTTPFields = [Sessions.header: "rotate"]
            try await twin.finish(&late)
            #expect(late == [:])

            try await bench.write(old, "user", #"["mallory"]"#)
            #expect(try await sessions.lookup(SessionBench.cookie(old)).isNew)
            #expect(try await !bench.exists(old))
            let again = try await sessions.lookup(SessionBench.cookie(new))
            #expect(!again.isNew)
            #expect(again.user == "anna")
        }
    }

    @Test("rotate does not make a session last longer in all")
    func rotateKeepsBirth() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let old = try await bench.given(sessions)
            let born = try await bench.redis.execute(["GET", .init("{session:\(old)}:born")]).string
            var headers: HTTPFields = [Sessions.header: "rotate"]
            try await sessions.lookup(SessionBench.cookie(old)).finish(&headers)
            let new = try #require(SessionBench.id(headers[.setCookie]))
            #expect(born != nil)
            #expect(try await bench.redis.execute(["GET", .init("{session:\(new)}:born")]).string == born)
            #expect(try await bench.redis.execute(["GET", .init("{session:\(old)}:born")]).string == "dead")
        }
    }

    @Test("end: the session and its id are gone, and the browser is told to forget the cookie")
    func end() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let id = try await bench.given(sessions)
            var headers = HTTPFields()
            try await sessions.lookup(SessionBench.cookie(id)).finish(&headers, order: "end")
            #expect(headers[.setCookie] == "__Host-tempest=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure")
            #expect(headers[Sessions.header] == nil)
            #expect(try await !bench.exists(id))
            try await bench.write(id)
            #expect(try await sessions.lookup(SessionBench.cookie(id)).isNew)
        }
    }

    @Test("A worker cannot choose the id: its own cookies of our name are dropped, others pass, unknown orders are stripped")
    func workers() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let ticket = try await sessions.lookup([:])
            var headers = HTTPFields()
            headers[values: .setCookie] = [
                "__Host-tempest=\(RandomToken().text); Path=/; Secure", " __HOST-TEMPEST =x", "theme=dark; Path=/", "tempest=x",
            ]
            headers[Sessions.header] = "id=\(RandomToken().text)"
            try await ticket.finish(&headers)
            #expect(headers[values: .setCookie] == ["theme=dark; Path=/", "tempest=x"])
            #expect(headers[Sessions.header] == nil)
        }
    }

    @Test("Who is logged in is the field user; null, false and what is no field are nobody")
    func user() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let table: [(String, Value?)] = [
                (#"["anna"]"#, "anna"), ("[7]", 7), (#"[{"id":1}]"#, ["id": 1]), ("[null]", nil), ("[false]", nil), ("[]", nil),
                ("anna", nil), ("[1,2]", nil), (#"["\#(String(repeating: "a", count: 70_000))"]"#, nil),
            ]
            for (json, user) in table {
                let id = try await bench.given(sessions, user: json)
                let ticket = try await sessions.lookup(SessionBench.cookie(id))
                #expect(!ticket.isNew)
                #expect(sessions.user(of: ticket) == user)
                #expect((SessionRequirement.refused.refusal(ticket) == nil) == (user != nil))
            }
            let nobody = try await sessions.lookup([:])
            #expect(SessionRequirement.refused.refusal(nobody)?.status == .unauthorized)
            let login = try #require(SessionRequirement(login: "/login?a=1"))
            #expect(login.refusal(nobody)?.status == .seeOther)
            #expect(login.refusal(nobody)?.headers[.location] == "/login?a=1")
        }
    }

    @Test(
        "A login path stays on this host",
        arguments: ["", "login", "//evil.example", "/\\evil.example", "/a\r\nb: c", "https://x/"])
    func loginPaths(_ path: String) {
        #expect(SessionRequirement(login: path) == nil)
    }

    @Test("The cookie is taken out of what workers see, however it is spelled and split; the others stay")
    func removal() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            var headers = HTTPFields()
            headers[values: .cookie] = ["a=1;__Host-tempest=x ;b=2", " __host-tempest = y", "c=3"]
            headers[.accept] = "*/*"
            sessions.removeCookie(from: &headers)
            #expect(headers[values: .cookie] == ["a=1; b=2", "c=3"])
            #expect(headers[.accept] == "*/*")
        }
    }

    @Test("Two cookies of our name that differ are none: somebody else set one of them")
    func ambiguous() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let id = try await bench.given(sessions)
            var headers = HTTPFields()
            headers[values: .cookie] = ["__Host-tempest=\(id)", "x=1; __Host-tempest=\(RandomToken().text)"]
            #expect(try await sessions.lookup(headers).isNew)
            headers[values: .cookie] = ["__Host-tempest=\(id)", "x=1; __Host-tempest=\(id)"]
            #expect(try await sessions.lookup(headers).id == id)
        }
    }

    @Test("Over plain HTTP the prefix and Secure fall away, and the log says so loudly")
    func insecure() async throws {
        try await SessionBench.run { bench in
            let log = LogKeeper()
            let sessions = try Sessions(client: bench.redis, rules: SessionRules(isInsecure: true), logger: log.logger)
            #expect(log.messages.count { $0.contains("INSECURE") } == 1)
            let ticket = try await sessions.lookup([:])
            try await bench.write(ticket.id)
            var headers = HTTPFields()
            try await ticket.finish(&headers)
            #expect(headers[.setCookie] == "tempest=\(ticket.id); Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax")
            #expect(try await sessions.lookup(SessionBench.cookie(ticket.id)).isNew)
            #expect(try await !sessions.lookup(SessionBench.cookie(ticket.id, name: "tempest")).isNew)
        }
    }

    @Test("Rules that contradict themselves are refused")
    func rules() async throws {
        try await SessionBench.run { bench in
            for rules in [
                SessionRules(idle: .zero), SessionRules(idle: .seconds(10), absolute: .seconds(5)),
                SessionRules(absolute: .seconds(86400 * 1000)),
            ] {
                let error = #expect(throws: SessionError.self) { try bench.sessions(rules) }
                #expect(error?.code == .rules)
            }
        }
    }

    @Test("Without Redis a request is refused rather than taken for a stranger's, and a logout is not claimed")
    func withoutRedis() async throws {
        try await SessionBench.run { bench in
            let sessions = try bench.sessions()
            let id = try await bench.given(sessions)
            let ticket = try await sessions.lookup(SessionBench.cookie(id))
            await sessions.shutdown()
            await #expect(throws: RedisError.self) { try await sessions.lookup(SessionBench.cookie(id)) }
            await #expect(throws: RedisError.self) {
                var headers: HTTPFields = [Sessions.header: "end"]
                try await ticket.finish(&headers)
            }
        }
    }

    @Test("Ids are 43 characters of base64url, all different, and say little of themselves in a log")
    func tokens() {
        let tokens = (0..<1000).map { _ in RandomToken() }
        #expect(Set(tokens).count == 1000)
        for token in tokens {
            #expect(RandomToken(token.text) == token)
            #expect("\(token)".count == 7)
            // 256 bits in 258: the last character has two zeros.
            #expect("AEIMQUYcgkosw048".contains(token.text.last ?? "?"))
        }
        #expect(Set(tokens.flatMap { Array($0.text) }).count == 64)
    }
}

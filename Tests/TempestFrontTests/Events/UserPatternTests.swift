import Tempest
import TempestCodecs
import TempestProtocol
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Channels by user", .timeLimit(.minutes(2)))
struct UserPatternTests {
    private static func allows(_ pattern: String, _ channel: String, _ user: Value?) throws -> Bool {
        let made = try #require(try UserPattern(pattern))
        guard let name = UserPattern.name(user) else { return false }
        return made.matches(try ChannelName(channel), user: name)
    }

    @Test("are those of the name that the session has, and nobody else's")
    func names() throws {
        for (pattern, channel, user) in [
            ("JOB:{user}:*", "JOB:anna:report", "anna"), ("JOB:{user}:*", "JOB:anna:a:b", "anna"), ("u.{user}", "u.anna", "anna"),
            ("{user}", "anna", "anna"), ("{user}.*.x", "anna.b.x", "anna"), ("JOB:{user}", "JOB:a:b", "a:b"),
        ] { #expect(try Self.allows(pattern, channel, .text(user)), "\(pattern) \(channel) \(user)") }
        #expect(try Self.allows("JOB:{user}:*", "JOB:7:x", .int(7)))
        for (pattern, channel, user) in [
            ("JOB:{user}:*", "JOB:bert:report", "anna"), ("JOB:{user}:*", "JOB:anna", "anna"),
            ("JOB:{user}:*", "JOB:annabelle:x", "anna"), ("JOB:{user}:*", "JOB:a:b:x", "a:b"),
            ("u.{user}", "u.annabelle", "anna"),
            ("JOB:{user}:*", "JOB:anna:x", "*"), ("JOB:{user}:*", "JOB:anna:x", "ann*"), ("JOB:{user}:*", "JOB:anna:x", "anna:*"),
            ("JOB:{user}:*", "JOB::x", ""), ("JOB:{user}:*", "JOB:anna:x", "Anna"), ("JOB:{user}:*", "JOB:anna:x", "anna\n"),
            ("JOB:{user}:*", "JOB:user:x", "{user}"),
        ] { #expect(try !Self.allows(pattern, channel, .text(user)), "\(pattern) \(channel) \(user)") }
        for user in [nil, .null, .bool(true), .array([.text("anna")]), .map(["a": .text("anna")]), .double(1.5)] as [Value?] {
            #expect(try !Self.allows("JOB:{user}:*", "JOB:anna:x", user), "\(String(describing: user))")
        }
    }

    @Test(
        "are refused as patterns where users could read each other's, and where there are no sessions",
        arguments: [
            "{user}*", "*{user}", "*:{user}", "a{user}b*", "{user}{user}", "{session}", "{user", "user}", "{}:x", "{user}:ä",
        ])
    func patterns(_ pattern: String) {
        #expect(throws: NameError.self) { try ChannelPolicy(patterns: [pattern], user: { _ in nil }) }
    }

    @Test("need sessions")
    func sessions() throws {
        #expect(throws: NameError.self) { try ChannelPolicy(patterns: ["JOB:{user}:*"]) }
        var configuration = FrontConfiguration()
        configuration.subscriptions = ["JOB:{user}:*"]
        #expect(throws: FrontConfigurationError.self) { try configuration.check() }
        configuration.sessions = SessionRules()
        try configuration.check()
    }

    @Test("are open to who is logged in, through a whole front")
    func whole() async throws {
        try await RunningFront.run {
            $0.sessions = SessionRules(isInsecure: true)
            $0.subscriptions = ["JOB:{user}:*", "news"]
        } _: { front in
            let writer = try SessionWriter(front)
            let (anna, star) = (String(repeating: "b", count: 42) + "A", String(repeating: "c", count: 42) + "A")
            try await writer.logIn(anna)
            try await writer.logIn(star, as: "*")
            func status(_ path: String, _ id: String?) async throws -> Int {
                let cookies = id.map { ["Cookie: tempest=\($0)"] } ?? []
                let browser = try await EventBrowser.connect(port: front.port, path: path, headers: cookies, reads: true)
                try await browser.answered()
                defer { Task { try await browser.leave() } }
                return browser.status
            }
            #expect(try await status("/sub/JOB:anna:report", anna) == 200)
            #expect(try await status("/sub/JOB%3Aanna%3Areport", anna) == 200)
            #expect(try await status("/sub/JOB:bert:report", anna) == 403)
            for id in [nil, star, String(repeating: "d", count: 42) + "A"] {
                #expect(try await status("/sub/JOB:anna:report", id) == 403)
                #expect(try await status("/sub/news", id) == 200)
            }
        }
    }

    @Test("In the file, wherever sessions stand; without them it is refused")
    func file() throws {
        let text = "sub: ['JOB:{user}:*']\nroutes: [{path: /*, queue: pages}]\n"
        let settings = try FrontFile.read(text + "sessions: true\n", file: "f.yaml")
        try settings.check()
        #expect(settings.subscriptions == ["JOB:{user}:*"])
        let error = #expect(throws: FrontConfigurationError.self) { try FrontFile.read(text, file: "f.yaml").check() }
        #expect(error?.description.contains("sessions") == true, "\(error?.description ?? "")")
    }
}

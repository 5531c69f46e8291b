import Logging
import NIOCore
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite struct AccessLogTests {
    private static let entry = AccessEntry(
        time: 1_790_000_000_123, id: "abc", client: "192.0.2.1", host: "shop.example", method: "GET", path: "/a\"b\n",
        version: "HTTP/1.1", referer: "https://x/", userAgent: "curl \\ é", status: 200, bytes: 5, isWhole: true,
        duration: .microseconds(1500))

    @Test func `lines are as other servers write them, and nothing of a client ends a field or a line`() {
        #expect(
            AccessLogFormat.common.line(Self.entry)
                == #"192.0.2.1 - - [21/Sep/2026:14:13:20 +0000] "GET /a\x22b\x0A HTTP/1.1" 200 5"#)
        #expect(
            AccessLogFormat.combined.line(Self.entry)?.hasSuffix(#" 200 5 "https://x/" "curl \x5C \xC3\xA9""#) == true)
        let json = AccessLogFormat.json.line(Self.entry) ?? ""
        #expect(json.contains(#""time":"2026-09-21T14:13:20.123Z""#) && json.contains(#""path":"/a\"b\n""#))
        #expect(json.contains(#""duration_ms":1.5"#) && json.contains(#""aborted":false"#) && !json.contains("\n"))
        var strange = Self.entry
        strange.userAgent = "a\u{9B}31m\u{85}b\u{2028}c\u{7F}é"
        let escaped = AccessLogFormat.json.line(strange) ?? ""
        #expect(escaped.contains(#""user_agent":"a\u009b31m\u0085b\u2028c\u007fé""#), "\(escaped)")
        let hidden = [
            "/uploads/T", "//uploads/T", "/%75ploads/T", "/x/../uploads/T", "/./uploads//T?q", "http://front/uploads/T",
            "http://front//uploads/T#x", "/uploads/T%0A", "/uploads/T%", "//%75ploads/T%zz", "/x%/../uploads/T",
        ]
        for target in hidden {
            #expect(
                !AccessEntry.path(of: target).contains("T") && AccessEntry.path(of: target).hasSuffix("/uploads/…"), "\(target)")
            #expect(
                AccessEntry.referer("https://front" + target)?.contains("T") == false || target.hasPrefix("http"), "\(target)")
        }
        for (target, shown) in [
            ("/a/uploads/T", "/a/uploads/T"), ("*", "*"), ("/uploads?T", "/uploads"), ("http://h/a?b", "http://h/a"),
        ] {
            #expect(AccessEntry.path(of: target) == shown)
        }
        #expect(AccessEntry.referer("https://x/a?token=1#b") == "https://x/a" && AccessEntry.referer(nil) == nil)
        var aborted = Self.entry
        (aborted.status, aborted.isWhole, aborted.path) = (nil, false, nil)
        #expect(AccessLogFormat.common.line(aborted)?.hasSuffix(#""-" 499 5"#) == true)
    }

    @Test(arguments: ["", "a b", "é", String(repeating: "a", count: 129), "a\u{0}"])
    func `an id that could harm a log is replaced`(given: String) {
        #expect(RequestID.taken([given]) != given && RequestID.isValid(RequestID.taken([given])))
    }

    @Test func `an id is taken as it comes, or made`() {
        #expect(RequestID.taken(["0-a_B.9=+/@:"]) == "0-a_B.9=+/@:")
        #expect(RequestID.taken(["a", "b"]).utf8.count == 32 && RequestID.taken([]) != RequestID.taken([]))
    }

    @Test func `requests in a row are logged in their order, those that are left unanswered as aborted`() {
        var recorder = AccessRecorder()
        let (first, second) = (Self.begun("GET", "/1"), Self.begun("HEAD", "/2"))
        recorder.begin(first, .uptimeNanoseconds(1))
        recorder.begin(second, .uptimeNanoseconds(2))
        recorder.begin(Self.begun("GET", "/3"), .uptimeNanoseconds(3))
        #expect(recorder.respond(200) == "/1" && recorder.endHead(.uptimeNanoseconds(4)) == nil)
        recorder.send(7)
        let one = recorder.end(.uptimeNanoseconds(5))
        #expect(one?.path == "/1" && one?.bytes == 7 && one?.isWhole == true && one?.duration == .nanoseconds(4))
        // HEAD: some encoders write an end of it, others none.
        #expect(recorder.respond(404) == "/2" && recorder.endHead(.uptimeNanoseconds(6))?.path == "/2")
        #expect(recorder.end(.uptimeNanoseconds(6)) == nil)
        let rest = recorder.abort(.uptimeNanoseconds(9))
        #expect(rest.map(\.path) == ["/3"] && rest.first?.loggedStatus == 499 && rest.first?.isWhole == false)
    }

    private static func begun(_ method: String, _ path: String) -> AccessEntry {
        AccessEntry(time: 0, id: path, method: method, path: path, version: "HTTP/1.1")
    }

    @Test func `streams of HTTP/2 have ids and entries too`() async throws {
        let keeper = LogKeeper()
        try await Curl.run({ $0.accessLog = .log }, logger: keeper.logger) { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                WebAnswer(text: request.headers["x-request-id"] ?? "none")
            }
        } _: { curl, _ in
            let words = ["--http2", "-H", "X-Request-Id: mine", "-w", "\\n%{http_version} %header{x-request-id}"]
            #expect(try await curl.run("/a?b", words).output == ["mine", "2 mine"])
            #expect(try await curl.run("/b", ["--http2", "-I", "-o", "/dev/null", "-w", "%{http_code}"]).output == ["200"])
            try await eventually("two entries") { keeper.entries.count { $0.message == "request" } == 2 }
            let entries = keeper.entries.filter { $0.message == "request" }
            #expect(entries.map { $0.metadata["path"] } == ["/a", "/b"] && entries[0].metadata["request_id"] == "mine")
            #expect(entries.map { $0.metadata["client"] } == ["127.0.0.1", "127.0.0.1"])
            #expect(entries.allSatisfy { $0.metadata["aborted"] == nil && $0.metadata["status"] == "200" })
        }
    }

    @Test func `one id goes to the worker, the browser and the log; early refusals and aborts are logged`() async throws {
        let keeper = LogKeeper()
        try await RunningFront.run(
            ["/*=pages"], { $0.accessLog = .log }, logger: keeper.logger,
            handlers: { worker in
                worker.handle("url") { (context: JobContext, request: WebRequest) -> WebAnswer in
                    if request.path == "/slow" { try await Task.sleep(for: .seconds(30)) }
                    return WebAnswer(text: request.headers["x-request-id"] ?? "none")
                }
            }
        ) { front in
            let made = try await front.get("/a?secret=1")
            #expect(made.text.utf8.count == 32 && made.header("x-request-id") == made.text)
            let taken = try await front.get("/b", "X-Request-Id: from-proxy")
            #expect(taken.text == "from-proxy" && taken.header("x-request-id") == "from-proxy")
            let refused = try await front.ask("GET /c HTTP/1.1\r\n\r\n")
            #expect(refused.status == 400 && refused.header("x-request-id") != nil)
            let broken = try await front.ask("nonsense\r\n\r\n")
            #expect(broken.status == 400)
            try await front.browse { browser in
                try await browser.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
                try await eventually("the job runs") { try await front.client.statistics(QueueName("pages")).running == 1 }
            }
            try await eventually("five entries") { keeper.entries.count { $0.message == "request" } == 5 }
            let entries = keeper.entries.filter { $0.message == "request" }
            #expect(entries.map { $0.metadata["status"] } == ["200", "200", "400", "400", "499"])
            #expect(entries.map { $0.metadata["path"] } == ["/a", "/b", "/c", "-", "/slow"])
            #expect(entries[1].metadata["request_id"] == "from-proxy" && entries[0].metadata["bytes"] == "32")
            #expect(entries.map { $0.metadata["aborted"] } == [nil, nil, nil, nil, "true"])
        }
    }
}

import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Answers that are not fit for a browser")
struct HostileAnswerTests {
    private static func answers(_ value: @escaping @Sendable (String) -> Value) -> (Worker) -> Void {
        { worker in
            worker.handle(dynamic: "url") { context in value(context.args[0]["url"]?.text ?? "") }
        }
    }

    @Test("CR, LF, NUL or a bad token in a header: the whole answer is refused with 502")
    func splitting() async throws {
        let bad: [(String, String)] = [
            ("x-a", "b\r\nset-cookie: evil=1"), ("x-a", "b\nc"), ("x-a", "b\rc"), ("x-a", "b\0c"), ("x a", "b"), ("", "b"),
            ("x-a\r\nset-cookie", "evil=1"), ("x:y", "b"), ("ü", "b"),
        ]
        try await RunningFront.run(
            handlers: Self.answers { url in
                let (name, value) = bad[Int(url.dropFirst()) ?? 0]
                return .array([.int(200), .map([name: .text(value)]), .text("body")])
            }
        ) { front in
            for (number, pair) in bad.enumerated() {
                try await front.browse { browser in
                    try await browser.send("GET /\(number) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                    try await eventually("it is closed") { browser.isClosed }
                    let text = String(decoding: browser.received, as: UTF8.self)
                    #expect(text.hasPrefix("HTTP/1.1 502 "), "\(pair)")
                    #expect(!text.contains("evil") && !text.contains("body"), "\(pair)")
                }
            }
        }
    }

    @Test("What is no [status, headers, body] is refused with 502")
    func shapes() async throws {
        let bad: [Value] = [
            .text("hello"), .array([]), .array([.int(199)]), .array([.int(600), .map([:])]), .array([.text("200")]),
            .array([.int(200), .text("x")]), .array([.int(200), .map([:]), .int(3)]), .array([.int(200), .map([:]), .map([:])]),
            .array([.int(200), .map(["a": .map([:])])]), .array([.int(200), .map([:]), .text(""), .text("")]), .null,
            .array([.int(101), .map([:])]), .array([.int(200), .map(["content-length": "many"])]),
            .array([.int(200), .map(["content-length": .int(-1)])]), .array([.int(200), .map(["content-length": "+1"])]),
            .array([.int(200), .map(["content-length": .array(["1", "1"])])]),
            .array([.int(200), .map(["content-length": "1", "Content-Length": "1"])]),
            .array([.int(200), .map(["content-length": "99999999999999999999"])]),
        ]
        try await RunningFront.run(handlers: Self.answers { bad[Int($0.dropFirst()) ?? 0] }) { front in
            for number in bad.indices {
                let reply = try await front.get("/\(number)")
                #expect(reply.status == 502, "\(bad[number])")
            }
        }
    }

    @Test(
        "The front frames: a worker's transfer-encoding, connection, keep-alive, proxy-connection, upgrade, te and trailer are dropped"
    )
    func framing() async throws {
        let headers: ValueMap = [
            "proxy-connection": "close", "transfer-encoding": "chunked", "connection": "close", "keep-alive": "x", "Upgrade": "x",
            "te": "x",
            "trailer": "x", "x-kept": .int(5), "x-many": .array(["a", "b"]),
        ]
        try await RunningFront.run(handlers: Self.answers { _ in .array([.int(200), .map(headers), .text("whole body")]) }) {
            front in
            try await front.browse { browser in
                for _ in 0..<2 {
                    try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
                    let reply = try await browser.reply()
                    #expect(reply.text == "whole body" && reply.isWhole && reply.header("content-length") == "10")
                    for name in ["transfer-encoding", "connection", "proxy-connection", "keep-alive", "upgrade", "te", "trailer"]
                    {
                        #expect(reply.header(name) == nil, "\(name)")
                    }
                    #expect(reply.header("x-kept") == "5" && reply.all("x-many") == ["a", "b"])
                }
            }
        }
    }

    @Test("The original's answer of three elements is as good as one of one")
    func elements() async throws {
        try await RunningFront.run(["/*=raw"]) { front in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let raw = try ForeignPage(front)
                    try await raw.answerOnce { "[\"url\",\($0),[200,{\"x-by\":\"hand\"},\"three\"]]" }
                }
                let reply = try await front.get("/")
                #expect(reply.text == "three" && reply.header("x-by") == "hand")
                try await group.waitForAll()
            }
        }
    }
}

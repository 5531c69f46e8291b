import Foundation
import Tempest
import TempestCodecs
import TempestFront
import TempestTesting
import Testing

@Suite("Header values of any bytes through a whole front", .timeLimit(.minutes(2)))
struct HeaderBytesWholeTests {
    /// UTF-8, bytes that are not, and a character that the front uses for such bytes on its inside.
    private static let values: [[UInt8]] = [
        Array("caf".utf8) + [0xE9], Array("café".utf8), [0xFF, 0x80, 0xC3], Array("\u{F7E9}".utf8),
        Array("\u{F7E9}".utf8) + [0xE9],
        Array("plain".utf8),
    ]

    /// Answers with what it was sent, in hexadecimal digits, and with the header `x-back` in those bytes.
    private static func serve(_ worker: Worker) {
        worker.handle("url") { (_: JobContext, request: WebRequest) -> Value in
            let bytes = request.headerBytes("x-a") ?? []
            let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + " \(request.body.count)"
            return [200, ["x-back": .array([.binary(bytes), "second"])], .text(text)]
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    private static func request(_ value: [UInt8], _ rest: String = "") -> [UInt8] {
        Array("GET / HTTP/1.1\r\nHost: t\r\nX-A: ".utf8) + value + Array("\r\n\(rest)\r\n".utf8)
    }

    @Test("A worker gets the bytes that came, and a browser those that the worker sent", arguments: ["json", "msgpack"])
    func bothWays(_ codec: String) async throws {
        try await RunningFront.run {
            $0.routes[0].codec = try #require(CodecSet.standard.named(codec))
        } handlers: {
            Self.serve($0)
        } _: { front in
            for value in Self.values {
                try await front.browse { browser in
                    try await browser.send("", Self.request(value, "Connection: close\r\n"))
                    try await eventually("it is answered") { browser.isClosed }
                    let received = browser.received
                    #expect(received.firstRange(of: Array("\r\nx-back: ".utf8) + value + [13, 10]) != nil, "\(Self.hex(value))")
                    #expect(received.firstRange(of: Array("\r\nx-back: second\r\n".utf8)) != nil)
                    #expect(received.firstRange(of: Array("\r\n\r\n\(Self.hex(value)) 0".utf8)) != nil)
                }
            }
        }
    }

    @Test("Lines are cut anywhere, requests follow each other, and bodies of any bytes stay as they are")
    func framing() async throws {
        try await RunningFront.run(handlers: { Self.serve($0) }) { front in
            let body: [UInt8] = [0xE9, 13, 10, 13, 10, 0xFF, 13, 10, 0xE9]
            let value = Self.values[0]
            let post = Self.request(value, "Content-Length: \(body.count)\r\n") + body
            let chunked =
                Self.request(value, "Transfer-Encoding: chunked\r\n") + Array("\(body.count)\r\n".utf8) + body
                + Array("\r\n0\r\n\r\n".utf8)
            let all = [Self.request(value), post, Self.request(Self.values[1]), chunked, chunked, Self.request(Self.values[2])]
            let wanted = [(0, 0), (0, 9), (1, 0), (0, 9), (0, 9), (2, 0)].map { "\(Self.hex(Self.values[$0])) \($1)" }
            let stream = all.flatMap(\.self)
            for length in [stream.count, 1, 2, 3, 5, 7, 11, 64] {
                try await front.browse { browser in
                    for start in stride(from: 0, to: stream.count, by: length) {
                        try await browser.send("", Array(stream[start..<min(start + length, stream.count)]))
                    }
                    for text in wanted { #expect(try await browser.reply().text == text, "in pieces of \(length)") }
                }
            }
        }
    }

    @Test("Several lines of one name are joined; of a name that has one value the first holds")
    func several() async throws {
        try await RunningFront.run(handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                WebAnswer(text: ["x-a", "cookie", "user-agent"].map { request.headers[$0] ?? "-" }.joined(separator: "|"))
            }
        }) { front in
            let reply = try await front.get(
                "/", "X-A: one", "Cookie: a=1", "User-Agent: first", "x-a: two", "Cookie: b=2", "User-Agent: second")
            #expect(reply.text == "one, two|a=1; b=2|first")
        }
    }

    @Test("A socket's opening has the bytes of its headers too")
    func socket() async throws {
        try await RunningFront.run(["/chat=pages"]) {
            $0.routes[0].isSocket = true
        } handlers: { worker in
            worker.handle("websocket") { (_: JobContext, event: WebSocketEvent) -> [WebSocketFrame] in
                if case .open(let request) = event { [.text(Self.hex(request.headerBytes("x-a") ?? []))] } else { [] }
            }
        } _: { front in
            try await front.browse { browser in
                let head =
                    "GET /chat HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-A: "
                try await browser.send(head + key, Self.values[0] + [13, 10, 13, 10])
                try await eventually("it is greeted") {
                    browser.received.firstRange(of: Array(Self.hex(Self.values[0]).utf8)) != nil
                }
            }
        }
    }

    @Test("By TLS it is the same over HTTP/1.1; over HTTP/2, whose library has text alone, bytes go out as their characters")
    func secure() async throws {
        try await Curl.run(handlers: { Self.serve($0) }) { curl, folder in
            // Words of a command are text here: curl reads the header from a file.
            let file = "\(folder)/header"
            let header = Array("X-A: ".utf8) + Self.values[0] + [10]
            try Data(header).write(to: URL(fileURLWithPath: file))
            let older = try await curl("/", "--http1.1", "-H", "@\(file)", "-o", "\(folder)/body", "-D", "\(folder)/head")
            #expect(older.status == .exited(0), "\(older)")
            let head = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/head"))
            #expect(head.firstRange(of: Data("x-back: ".utf8) + Self.values[0] + [13, 10]) != nil)
            #expect(try String(contentsOfFile: "\(folder)/body", encoding: .utf8) == "\(Self.hex(Self.values[0])) 0")
        }
        try await Curl.run(handlers: { worker in
            worker.handle("url") { (_: JobContext, _: WebRequest) -> Value in
                [200, ["x-back": .binary(Self.values[0]), "x-next": "plain"], "ok"]
            }
        }) { curl, _ in
            let reply = try await curl("/", "--http2", "-i")
            #expect(reply.status == .exited(0), "\(reply)")
            #expect(
                reply.output.contains { $0.hasPrefix("x-back: café") } && reply.output.contains { $0.hasPrefix("x-next: plain") })
        }
    }

    @Test("Chunks full of empty lines, and long headers without a byte of ASCII, are read as any others")
    func hostile() async throws {
        try await RunningFront.run(handlers: { Self.serve($0) }) { front in
            try await front.browse { browser in
                let body = Array(repeating: [13, 10, 13, 10, 0xE9] as [UInt8], count: 4000).flatMap(\.self)
                let chunk = Array("\(String(body.count, radix: 16))\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8)
                try await browser.send("", Self.request(Self.values[0], "Transfer-Encoding: chunked\r\n") + chunk)
                #expect(try await browser.reply().text == "\(Self.hex(Self.values[0])) \(body.count)")
                try await browser.send("", Self.request([UInt8](repeating: 0xE9, count: 5000)))
                #expect(try await browser.reply().text.count == 10_002)
            }
        }
    }
}

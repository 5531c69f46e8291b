import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import TempestCodecs
import TempestProtocol
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized, .timeLimit(.minutes(1))) struct SubprotocolTests {
    private static func head(_ port: Int, _ offered: String?, path: String = "/socket") async throws -> String {
        let client = try await RawClient.connect(port)
        try await client.send(SocketClient.request(path, offered.map { ["Sec-WebSocket-Protocol: \($0)"] } ?? []))
        let head = try await client.receive("\r\n\r\n")
        await client.close()
        return head
    }

    private static func chosen(_ head: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Protocol: ") }.map { String($0.dropFirst(24)) }
    }

    @Test("A worker chooses one of those that the page offers, before the route does, or none")
    func workers() async throws {
        let backend = TestBackend { line, event in
            guard case .open(let request) = event else { return }
            let path = request.head.path ?? ""
            let byRoute = request.extra["protocol"]?.asText ?? "none"
            switch path {
            case "/socket/other": line.reply(.text("hello"), .subprotocol("other"))
            case "/socket/none": line.reply(.subprotocol(nil))
            case "/socket/wrong": line.reply(.subprotocol("not-offered"))
            default: line.reply(.text(byRoute))
            }
        }
        try await withSocket(backend) { port in
            #expect(Self.chosen(try await Self.head(port, "other, chat.1")) == "chat.1")
            #expect(Self.chosen(try await Self.head(port, "other, chat.1", path: "/socket/other")) == "other")
            #expect(Self.chosen(try await Self.head(port, "chat.1", path: "/socket/none")) == nil)
            #expect(Self.chosen(try await Self.head(port, nil)) == nil)
            // Names are told apart by case, and must be whole.
            #expect(Self.chosen(try await Self.head(port, "CHAT.1, chat.11")) == nil)
            #expect(try await Self.head(port, "other", path: "/socket/wrong").hasPrefix("HTTP/1.1 502 "))
            #expect(try await Self.head(port, nil, path: "/socket/wrong").hasPrefix("HTTP/1.1 502 "))
            let client = try await SocketClient.connect(port, ["Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: chat.1"])
            #expect(try await client.next().text == "chat.1", "the worker is told what the route has chosen")
        }
    }

    @Test("Offers are tokens, in their order and once each")
    func offers() {
        var protocols = Subprotocols(
            ["Sec-WebSocket-Protocol": "b, a,, b, no good,\"q\"", "sec-websocket-protocol": "c"], known: ["c", "a"])
        #expect(protocols.offered == ["b", "a", "c"] && protocols.chosen == "a" && !protocols.isUnmet)
        #expect(!protocols.choose("d") && protocols.chosen == "a")
        #expect(protocols.choose("b") && protocols.chosen == "b")
        #expect(protocols.choose(nil) && protocols.isUnmet)
        #expect(!Subprotocols([:], known: ["a"]).isUnmet)
    }

    @Test("What a page was refused for, and how to let it in, is in the log, bounded and escaped")
    func log() async throws {
        let keeper = LogKeeper()
        let route = SocketRoute(try PathPattern("/socket/*"), queue: try .init("chat"))
        let door = SocketDoor([route], backend: TestBackend(), isTLS: false, logger: keeper.logger)
        try await withServer(.front(limits: .brisk, tls: nil, allowsHTTP2: false, upgrader: door)) { port in
            let client = try await RawClient.connect(port)
            let long = String(repeating: "x", count: 5000)
            try await client.send(SocketClient.request("/socket", ["Origin: https://evil\".example\(long)"]))
            _ = try await client.end()
            _ = try await Self.head(port, "graphql-ws")
        }
        let text = keeper.messages.joined(separator: "\n")
        #expect(
            text.contains(#"https://evil\".example"#) && text.contains("`origins`") && text.contains("http://front"), "\(text)")
        #expect(text.utf8.count < 3000)
        #expect(text.contains("graphql-ws") && text.contains("`protocols`"), "\(text)")
    }

    @Test("Paths of sockets are found by what they mean", arguments: ["/%73ocket/x", "//socket", "/a/../socket", "/socket%2Fx"])
    func paths(_ path: String) async throws {
        try await withSocket(TestBackend()) { port in
            let client = try await SocketClient.connect(port, path: path)
            try await client.send("there")
            #expect(try await client.next().text == "there")
        }
    }

    @Test(
        "Frames that come with the handshake are refused and not thrown away, also after a chunked body",
        arguments: [false, true])
    func early(_ isChunked: Bool) async throws {
        let backend = TestBackend()
        try await withSocket(backend) { port in
            let client = try await RawClient.connect(port)
            let request = SocketClient.request("/socket", isChunked ? ["Transfer-Encoding: chunked"] : [])
            try await client.send(Array((request + (isChunked ? "0\r\n\r\n" : "")).utf8) + SocketClient.frame(1, "early".utf8))
            #expect(try await client.end().hasPrefix("HTTP/1.1 400 "))
        }
        #expect(backend.events == [])
    }

    @Test("The file has subprotocols and limits, and refuses what is none")
    func file() throws {
        func read(_ more: String) throws -> FrontRoute {
            try FrontFile.read("routes:\n  - {path: /chat, queue: chat, \(more)}\n", file: "f").routes[0]
        }
        let route = SocketRoute(
            HeldRoute(try read("socket: true, protocols: [graphql-ws, chat.1], message: 8388608, frame: 65536")))
        #expect(route.protocols == ["graphql-ws", "chat.1"])
        #expect(route.limits.message == 8 << 20 && route.limits.frame == 65536)
        #expect(SocketRoute(HeldRoute(try read("socket: true"))).limits.frame == nil)
        for bad in ["message: 100", "message: 99999999", "frame: x", "protocols: {a: 1}"] {
            #expect(throws: FrontConfigurationError.self, "\(bad)") { _ = try read("socket: true, \(bad)") }
        }
        for bad in ["protocols: [a]", "frame: 1000", "socket: true, protocols: ['a b']", "socket: true, protocols: ['a,b']"] {
            #expect(throws: FrontConfigurationError.self, "\(bad)") { _ = try read(bad) }
        }
    }
}

import NIOCore
import Synchronization
import TempestProtocol
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized) struct HandshakeTests {
    @Test func aHandshakeIsAnsweredAsTheStandardSays() async throws {
        try await withSocket(TestBackend()) { port in
            let client = try await RawClient.connect(port)
            try await client.send(SocketClient.request("/socket/x?y", ["Sec-WebSocket-Protocol: other, chat.1"]))
            let text = try await client.receive("\r\n\r\n")
            #expect(text.hasPrefix("HTTP/1.1 101 "))
            #expect(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            #expect(text.contains("Sec-WebSocket-Protocol: chat.1\r\n"))
        }
    }

    static let bad: [(request: String, status: Int)] = [
        (SocketClient.request(without: "Sec-WebSocket-Key"), 400),
        (SocketClient.request(without: "Sec-WebSocket-Version"), 426),
        (SocketClient.request(without: "Connection"), 400),
        (SocketClient.request("/socket", ["Sec-WebSocket-Version: 8"], without: "Sec-WebSocket-Version"), 426),
        (SocketClient.request("/socket", ["Sec-WebSocket-Key: short"], without: "Sec-WebSocket-Key"), 400),
        (SocketClient.request("/socket", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]), 400),
        (SocketClient.request().replacing("GET", with: "POST"), 400),
        (SocketClient.request().replacing("HTTP/1.1", with: "HTTP/1.0"), 400),
        (SocketClient.request("/socket", ["Content-Length: 3"]) + "abc", 400),
        (SocketClient.request("/socket", ["Content-Length: 3", "Transfer-Encoding: chunked"]) + "abc", 400),
        (SocketClient.request(without: "Host"), 400),
        (SocketClient.request("/socket", ["Origin: http://elsewhere"]), 403),
        (SocketClient.request("/socket", ["Origin: https://front"]), 403),
        (SocketClient.request("/socket", ["Origin: http://front.evil"]), 403),
        (SocketClient.request("/socket", ["Origin: http://front:81"]), 403),
        (SocketClient.request("/socket", ["Origin: null"]), 403),
        (SocketClient.request("/socket", ["Origin: http://front", "Origin: http://front"]), 403),
        (SocketClient.request("/elsewhere"), 404),
    ]

    @Test(arguments: bad)
    func aBadHandshakeIsRefusedAndWorkersHearNothing(_ request: String, _ status: Int) async throws {
        let backend = TestBackend()
        try await withSocket(backend) { port in
            let client = try await RawClient.connect(port)
            try await client.send(request)
            #expect(try await client.end().hasPrefix("HTTP/1.1 \(status) "))
        }
        #expect(backend.events == [])
    }

    @Test func aPageOfTheSameOriginAndOneOfTheListMayConnect() async throws {
        try await withSocket(TestBackend()) { port in
            _ = try await SocketClient.connect(port, ["Origin: http://front"])
            _ = try await SocketClient.connect(port, ["Origin: http://front:80"])
        }
        try await withSocket(TestBackend(), origins: .these(["https://friend.example"])) { port in
            _ = try await SocketClient.connect(port, ["Origin: https://friend.example"])
            await #expect(throws: TestFailure.self) { _ = try await SocketClient.connect(port, ["Origin: http://front"]) }
        }
        try await withSocket(TestBackend(), allowsNoOrigin: false) { port -> Void in
            await #expect(throws: TestFailure.self) { _ = try await SocketClient.connect(port) }
        }
    }

    @Test func aConnectionThatHasServedRequestsMayBeUpgraded() async throws {
        try await withSocket(TestBackend()) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.receive("hello")
            client.take { $0 = [] }
            try await client.send(SocketClient.request())
            let socket = SocketClient(raw: client)
            try await socket.handshake()
            try await socket.send("after")
            #expect(try await socket.next().text == "after")
        }
    }

    @Test func anErrorToTheOpeningIsARefusalBeforeTheHandshake() async throws {
        let backend = TestBackend { line, _ in line.receive(.failed(SocketFailure(Failure(code: "who", message: "not you")))) }
        try await withSocket(backend) { port in
            let client = try await RawClient.connect(port)
            try await client.send(SocketClient.request())
            let text = try await client.end()
            #expect(text.hasPrefix("HTTP/1.1 403 "))
            #expect(!text.contains("not you"))
        }
        #expect(backend.events == ["open"])
    }

    @Test(arguments: [
        ("who", 403), ("handler", 500), ("bad_args", 500), ("unknown_action", 502), ("poison", 502), ("bad_answer", 502),
        ("expired", 504),
        ("timeout", 504), ("cancelled", 503),
    ])
    func onlyAnErrorThatAHandlerChoseIsARefusal(_ code: String, _ status: Int) async throws {
        let backend = TestBackend { line, _ in line.receive(.failed(SocketFailure(Failure(code: code, message: "secret")))) }
        try await withSocket(backend) { port in
            let client = try await RawClient.connect(port)
            try await client.send(SocketClient.request())
            let text = try await client.end()
            #expect(text.hasPrefix("HTTP/1.1 \(status) ") && !text.contains("secret"))
            #expect(text.lowercased().contains("retry-after") == (status == 503))
        }
    }

    @Test func anOpeningWithoutAnAnswerEndsAndWorkersLearnIt() async throws {
        let backend = TestBackend { _, _ in }
        var limits = SocketLimits()
        limits.open = .milliseconds(200)
        try await withSocket(backend, limits: limits) { port in
            let client = try await RawClient.connect(port)
            try await client.send(SocketClient.request())
            #expect(try await client.end().hasPrefix("HTTP/1.1 504 "))
            // Serial as ever: the end is told when the opening has been answered at last.
            #expect(backend.events == ["open"])
            backend.lines.withLock { $0.first }?.reply()
            try await eventually("workers learn it") { backend.events == ["open", "close 1006 "] }
        }
    }

    @Test func aBrowserThatLeavesDuringTheHandshakeIsTold() async throws {
        let backend = TestBackend { _, _ in }
        try await withSocket(backend) { port in
            let client = try await RawClient.connect(port)
            try await client.send(SocketClient.request())
            try await eventually("workers are asked") { backend.events == ["open"] }
            await client.close()
            // Not before the front has seen it.
            try await eventually("the front sees it") {
                backend.lines.withLock { $0.first }?.reply()
                return backend.events == ["open", "close 1006 "]
            }
        }
    }

    @Test func bytesBeforeTheAnswerAreRefused() async throws {
        let backend = TestBackend { _, _ in }
        try await withSocket(backend) { port in
            let client = try await RawClient.connect(port)
            try await client.send(SocketClient.request())
            try await eventually("workers are asked") { backend.events == ["open"] }
            try await client.send(SocketClient.frame(1, "early".utf8))
            #expect(try await client.end().hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func framesOfTheOpeningComeAfterTheHandshakeInOrder() async throws {
        let backend = TestBackend { line, event in
            guard case .open = event else { return }
            line.receive(.frames([.text("one")], isLast: false))
            line.receive(.frames([.text("two")], isLast: true))
            line.receive(.told([.text("three")]))
        }
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            for text in ["one", "two", "three"] { #expect(try await client.next().text == text) }
        }
    }

    @Test func aboveTheBoundOfConnectionsTheNextIsRefusedUntilOneEnds() async throws {
        try await withSocket(TestBackend(), most: 2) { port in
            let first = try await SocketClient.connect(port)
            _ = try await SocketClient.connect(port)
            let third = try await RawClient.connect(port)
            try await third.send(SocketClient.request())
            #expect(try await third.end().hasPrefix("HTTP/1.1 503 "))
            await first.raw.close()
            try await eventually("there is room") { (try? await SocketClient.connect(port)) != nil }
        }
    }

    @Test func theBoundIsOneForAllDoorsThatAFrontHasHad() async throws {
        let count = SocketCount()
        try await withSocket(TestBackend(), most: 1, open: count) { before in
            try await withSocket(TestBackend(), most: 1, open: count) { after in
                let first = try await SocketClient.connect(before)
                let second = try await RawClient.connect(after)
                try await second.send(SocketClient.request())
                #expect(try await second.end().hasPrefix("HTTP/1.1 503 "))
                await first.raw.close()
                try await eventually("there is room") { (try? await SocketClient.connect(after)) != nil }
            }
        }
    }
}

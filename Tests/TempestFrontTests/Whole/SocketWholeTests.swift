import NIOCore
import Synchronization
import Tempest
import TempestCodecs
import TempestFront
import TempestTesting
import Testing

@Suite("Sockets through a whole front", .timeLimit(.minutes(2)))
struct SocketWholeTests {

    private static func withChat<R: Sendable>(
        _ change: @escaping (inout FrontConfiguration) -> Void = { _ in },
        _ body: (RunningFront, _ log: () -> [String]) async throws -> R
    ) async throws -> R {
        let log = Log()
        return try await RunningFront.run(["/chat=pages", "/*=pages"]) {
            $0.routes[0].isSocket = true
            change(&$0)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
            worker.handle(dynamic: "websocket") { context in
                let event = context.args[0]
                switch event["event"]?.text {
                case "open":
                    log.add("open \(event["url"]?.text ?? "") cookies \(event["headers"]?["cookie"]?.text ?? "none")")
                    if event["url"]?.text == "/chat?no" { throw HandlerError(code: "no", message: "not you") }
                    return .array([.text("welcome")])
                case "message":
                    log.add("message \(event["data"]?.text ?? "")")
                    return .array([.text("echo \(event["data"]?.text ?? "")"), .text("and more")])
                default:
                    log.add("close \(event["code"]?.int ?? 0) \(event["reason"]?.text ?? "")")
                    return .null
                }
            }
        } _: { front in
            try await body(front) { log.lines }
        }
    }

    /// What a worker heard, in order.
    private final class Log: Sendable {
        private let state = Mutex<[String]>([])
        var lines: [String] { state.withLock { $0 } }
        func add(_ line: String) { state.withLock { $0.append(line) } }
    }

    /// The status with which a handshake is refused.
    private func refusal(_ front: RunningFront, _ path: String = "/chat", _ fields: [String] = []) async throws -> Int {
        try await front.browse { browser in
            try await browser.send(SocketClient.request(path, fields))
            return try await browser.reply().status
        }
    }

    @Test("Its opening, its messages and its end are jobs, and answers are frames")
    func talk() async throws {
        try await Self.withChat { front, log in
            let socket = try await SocketClient.connect(front.port, path: "/chat?room=1", ["Origin: http://front"])
            #expect(try await socket.next().text == "welcome")
            for word in ["one", "two"] {
                try await socket.send(word)
                #expect(try await socket.next().text == "echo \(word)")
                #expect(try await socket.next().text == "and more")
            }
            try await socket.close(1000, "enough")
            #expect(try await socket.closed() == 1000)
            try await eventually("the worker hears the end") { log().last == "close 1000 enough" }
            #expect(log() == ["open /chat?room=1 cookies none", "message one", "message two", "close 1000 enough"])
        }
    }

    @Test("A page of another origin is refused before a worker hears of it; a worker may refuse too")
    func refused() async throws {
        try await Self.withChat { front, log in
            for origin in ["http://evil.example", "https://front", "http://front:81", "null", "http://front.evil.example"] {
                #expect(try await refusal(front, "/chat", ["Origin: \(origin)"]) == 403, "\(origin)")
            }
            #expect(log() == [])
            #expect(try await refusal(front, "/chat?no") == 403)
            let plain = try await front.get("/chat")
            #expect(plain.status == 426 && plain.header("upgrade") == "websocket")
            #expect(try await front.get("/other").text == "/other", "the other routes are no sockets")
        }
    }

    @Test("Where Redis stays away, and where nobody has the action, that is what a page is told, and soon")
    func unanswered() async throws {
        try await Self.withChat {
            $0.patience = .milliseconds(300)
            $0.routes[0].socketLimits.open = .seconds(60)
            if var nobody = try? FrontRoute("/nobody=pages/none") {
                nobody.isSocket = true
                $0.routes.append(nobody)
            }
        } _: { front, log in
            #expect(try await refusal(front, "/nobody") == 502)
            let socket = try await SocketClient.connect(front.port, path: "/chat")
            try await front.redis.kill()
            let start = ContinuousClock.now
            try await front.browse { browser in
                try await browser.send(SocketClient.request("/chat"))
                let reply = try await browser.reply()
                #expect(reply.status == 503 && reply.header("retry-after") == "1", "\(reply)")
            }
            #expect(ContinuousClock.now - start < .seconds(5))
            await socket.raw.close()
            try await front.redis.start()
            try await eventually("it goes on") { (try? await SocketClient.connect(front.port, path: "/chat")) != nil }
        }
    }

    @Test("A page that opens more than its rate allows is told when to come again")
    func rate() async throws {
        try await Self.withChat {
            $0.routes[0].rate = try? RateLimit("2/h")
            try? $0.headers.set("X-Frame-Options", to: "DENY")
        } _: { front, log in
            for _ in 0..<2 { await (try SocketClient.connect(front.port, path: "/chat")).raw.close() }
            try await front.browse { browser in
                try await browser.send(SocketClient.request("/chat"))
                let reply = try await browser.reply()
                #expect(reply.status == 429 && Int(reply.header("retry-after") ?? "") ?? 0 > 60, "\(reply)")
                #expect(reply.header("x-frame-options") == "DENY")
            }
        }
    }

    @Test("The origins of a route are those that are let in")
    func origins() async throws {
        try await Self.withChat {
            $0.routes[0].origins = ["https://pages.example"]
        } _: { front, _ in
            #expect(try await refusal(front, "/chat", ["Origin: http://front"]) == 403)
            let socket = try await SocketClient.connect(front.port, path: "/chat", ["Origin: https://pages.example"])
            #expect(try await socket.next().text == "welcome")
            await socket.raw.close()
        }
    }

    @Test("A socket for users is refused with 401 to everybody else, and opens to who is logged in, without the cookie")
    func users() async throws {
        try await Self.withChat {
            $0.sessions = SessionRules(isInsecure: true)
            $0.routes[0].requiresUser = true
        } _: { front, log in
            #expect(try await refusal(front) == 401)
            #expect(try await refusal(front, "/chat", ["Cookie: tempest=\(String(repeating: "a", count: 43))"]) == 401)
            #expect(log() == [])
            // As a worker's login would have made it.
            let id = String(repeating: "b", count: 42) + "A"
            let redis = try SessionWriter(front)
            try await redis.logIn(id)
            let socket = try await SocketClient.connect(front.port, path: "/chat", ["Cookie: a=1; tempest=\(id)"])
            #expect(try await socket.next().text == "welcome")
            #expect(log() == ["open /chat cookies a=1"])
            await socket.raw.close()
        }
    }

    @Test("A Swift worker reads events and writes frames, and whoever knows the connection sends to it later")
    func typed() async throws {
        let (known, keep) = AsyncStream.makeStream(of: WebSocketConnection.self)
        try await RunningFront.run(["/chat=pages"]) {
            $0.routes[0].isSocket = true
        } handlers: { worker in
            worker.handle("websocket") { (context: JobContext, event: WebSocketEvent) -> [WebSocketFrame] in
                switch event {
                case .open(let request):
                    if let connection = context.connection { keep.yield(connection) }
                    return [.text("\(request.path)"), .binary([0xFF, 0])]
                case .message(let frame): return [frame]
                case .close: return []
                }
            }
        } _: { front in
            let socket = try await SocketClient.connect(front.port, path: "/chat")
            #expect(try await socket.next().text == "/chat")
            #expect(try await Array(socket.next().payload) == [0xFF, 0])
            try await socket.send("again")
            #expect(try await socket.next().text == "again")
            var connections = known.makeAsyncIterator()
            let connection = try #require(await connections.next())
            #expect(try await front.client.send(.text("later"), .text("and more"), to: connection))
            #expect(try await socket.next().text == "later")
            #expect(try await socket.next().text == "and more")
            try await front.client.send(.close(4001, "enough"), to: connection)
            #expect(try await socket.closed() == 4001)
            let stranger = WebSocketConnection(queue: connection.queue, respondTo: "nobody", job: connection.job)
            #expect(try await front.client.send(.text("x"), to: stranger) == false)
        }
    }

    @Test(
        "Text stays text and binary stays binary, in every codec, whatever the bytes",
        arguments: ["json", "msgpack", "tnetstring"])
    func types(_ codec: String) async throws {
        try await RunningFront.run(["/echo=pages", "/later=pages"]) {
            for place in 0...1 {
                $0.routes[place].isSocket = true
                $0.routes[place].codec = try #require(CodecSet.standard.named(codec))
            }
        } handlers: { worker in
            worker.handle("websocket") { (context: JobContext, event: WebSocketEvent) -> [WebSocketFrame] in
                switch event {
                case .open(let request): return request.subprotocols.first.map { [.subprotocol($0)] } ?? []
                case .message(let frame):
                    try await context.send([frame, .binary(Array("more".utf8))])
                    return [frame]
                case .close: return []
                }
            }
        } _: { front in
            let socket = try await SocketClient.connect(front.port, path: "/echo", ["Sec-WebSocket-Protocol: graphql-ws"])
            for bytes in [Array("abc".utf8), Array("grüße".utf8), [], [0xFF, 0]] as [[UInt8]] {
                for opcode in bytes.first == 0xFF ? [2] : [1, 2] as [UInt8] {
                    try await socket.send(opcode, bytes)
                    #expect(try await socket.next() == ClientFrame(opcode: opcode, payload: bytes))
                    #expect(try await socket.next() == ClientFrame(opcode: 2, payload: Array("more".utf8)))
                    #expect(try await socket.next() == ClientFrame(opcode: opcode, payload: bytes))
                }
            }
            await socket.raw.close()
        }
    }

    @Test("When the front stops, open sockets are told so")
    func shutdown() async throws {
        try await Self.withChat { front, log in
            let socket = try await SocketClient.connect(front.port, path: "/chat")
            #expect(try await socket.next().text == "welcome")
            await front.drain()
            try await eventually(within: .seconds(20), "the connection ends") { socket.raw.isClosed }
            try await eventually("the worker hears the end") { log().last?.hasPrefix("close 10") == true }
        }
    }
}

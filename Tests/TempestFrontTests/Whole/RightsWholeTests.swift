import Synchronization
import Tempest
import TempestFront
import TempestProtocol
import TempestTesting
import Testing

@Suite("A front with exactly the rights that protocol/queues.md lists", .timeLimit(.minutes(2)))
struct RightsWholeTests {
    /// Ends when the browser has gone.
    private final class Endless: Sendable {
        let ended = Atomic(false)
    }

    private static func serve(_ worker: Worker, _ endless: Endless) {
        worker.handle("url") { (context: JobContext, request: WebRequest) in
            guard let session = context.session else { return WebAnswer(status: 500, text: "no session") }
            switch request.path {
            case "/login":
                try await session.set("user", to: "anna")
                return WebAnswer(headers: [("tempest-session", "rotate")])
            case "/logout": return WebAnswer(headers: [("tempest-session", "end")])
            case "/stream":
                try await context.send(WebAnswer(body: "begin ".utf8))
                for number in 0..<100 { try await context.send("\(number) ") }
                throw HandlerError(message: "that was all")
            case "/endless":
                try await context.send(WebAnswer(body: "begin ".utf8))
                do {
                    while true { try await context.send("on and on ") }
                } catch {
                    endless.ended.store(true, ordering: .relaxed)
                    throw error
                }
            default:
                return WebAnswer(text: "\(request.path) for \(try await session.get("user", as: String.self) ?? "nobody")")
            }
        }
        worker.handle(dynamic: "websocket") { context in
            switch context.args[0]["event"]?.text {
            case "message": .array([.text("echo \(context.args[0]["data"]?.text ?? "")")])
            default: .null
            }
        }
    }

    @Test("holds requests, gives credits, cancels, keeps sessions, sends events and speaks WebSocket; nothing is refused")
    func all() async throws {
        let endless = Endless()
        func users(_ redis: PrivateRedis) async throws -> (front: String, worker: String) {
            try await redis.administrate(["FUNCTION", "LOAD", "REPLACE", .init(FunctionLibrary.source)])
            let front = try await redis.user("front", queues: ["pages"])
            return (front, try await redis.user("worker with sessions", name: "worker", queues: ["pages"]))
        }
        func change(_ configuration: inout FrontConfiguration) {
            configuration.routes[0].isSocket = true
            configuration.routes[1].window = 4
            configuration.sessions = SessionRules(isInsecure: true)
            configuration.subscriptions = ["news"]
        }
        try await RunningFront.run(
            ["/chat=pages", "/*=pages"], change, users: users, handlers: { Self.serve($0, endless) }
        ) { front in
            #expect(try await front.get("/look").text == "/look for nobody")
            let cookie = try cookie(try await front.get("/login"))
            #expect(try await front.get("/look", "Cookie: \(cookie)").text == "/look for anna")
            let other = try self.cookie(try await front.get("/login", "Cookie: \(cookie)"))
            #expect(other != cookie)
            #expect(try await front.get("/look", "Cookie: \(cookie)").text == "/look for nobody", "its id is dead")
            _ = try await front.get("/logout", "Cookie: \(other)")
            #expect(try await front.get("/look", "Cookie: \(other)").text == "/look for nobody")
            let stream = try await front.get("/stream")
            #expect(stream.text.contains("99 "), "\(stream)")
            try await front.browse { browser in
                try await browser.send("GET /endless HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("the answer has begun") { browser.received.firstRange(of: Array("begin ".utf8)) != nil }
            }
            try await eventually(within: .seconds(20), "the worker is told that the browser has gone") {
                endless.ended.load(ordering: .relaxed)
            }
            try await events(front)
            let socket = try await SocketClient.connect(front.port, path: "/chat", ["Origin: http://front"])
            try await socket.send("hello")
            #expect(try await socket.next().text == "echo hello")
            try await socket.close(1000)
            await front.drain()
            #expect(try await front.redis.denials() == [])
        }
    }

    private func events(_ front: RunningFront) async throws {
        let publisher = try TempestClient(
            redis: RedisConfiguration(url: try await front.redis.user("publisher of events", name: "publisher")))
        var ids: [String] = []
        for number in 1...3 {
            ids.append(try #require(try await publisher.publish(channel: "news", event: "n", data: number).id))
        }
        let cases: [(headers: [String], wanted: String)] = [
            (["Last-Event-ID: \(ids[0])"], "id: \(ids[2])\n"), (["Last-Event-ID: 0"], "id: \(ids[0])\n"), ([], ""),
        ]
        for (headers, wanted) in cases {
            let browser = try await EventBrowser.connect(port: front.port, path: "/sub/news", headers: headers, reads: true)
            if wanted.isEmpty {
                // The front may still be subscribed for the browser before this one, so that what is heard says nothing of this one.
                try await browser.sees(": following\n\n")
                #expect(try await publisher.publish(channel: "news", data: "x", keep: 0).heard == 1)
                try await browser.sees("data: x\n")
            } else {
                try await browser.sees(wanted)
            }
            try await browser.leave()
        }
        await publisher.shutdown()
    }

    /// The pair `tempest=…` of the line that sets it.
    private func cookie(_ reply: Reply) throws -> String {
        let line = try #require(reply.all("set-cookie").first { $0.hasPrefix("tempest=") }, "\(reply)")
        return String(line.prefix { $0 != ";" })
    }
}

import Logging
import Synchronization
import Tempest
import TempestFront
import TempestRedis
import TempestTesting
import Testing

@Suite("Requests that go on along a route")
struct RoutedRequestTests {
    /// A front before the queues `pages` and `ends`.
    private static func run(
        _ route: Route, window: Int = 16, pages: (Worker) -> Void, ends: (Worker) -> Void,
        _ body: (RunningFront) async throws -> Void
    ) async throws {
        try await RunningFront.run {
            $0.routes[0].route = route
            $0.routes[0].window = window
        } handlers: { worker in
            pages(worker)
        } _: { front in
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let worker = try Worker(queues: ["ends"], redis: RedisConfiguration(url: front.redis.url), logger: logger)
            ends(worker)
            try await withRunning(worker) { try await body(front) }
        }
    }

    private static func begin(_ worker: Worker) {
        worker.handle("url") { (_: JobContext, request: WebRequest) in request.url }
    }

    @Test("The first step has the request, steps at once what it answered, and the last one's answer is the browser's")
    func through() async throws {
        let route: Route = [.all([.step("length", queue: "ends"), .step("loud")]), .step("page", queue: "ends")]
        try await Self.run(route) { worker in
            Self.begin(worker)
            worker.handle("loud") { (_: JobContext, text: String) in text.uppercased() }
        } ends: { worker in
            worker.handle("length") { (_: JobContext, text: String) in text.count }
            worker.handle("page") { (_: JobContext, length: Int, loud: String) in
                WebAnswer(status: 201, headers: [("x-length", "\(length)")], body: loud.utf8)
            }
        } _: { front in
            try await front.browse { browser in
                for path in ["/a", "/bcd"] {
                    try await browser.send("GET \(path) HTTP/1.1\r\nHost: t\r\n\r\n")
                    let reply = try await browser.reply()
                    #expect(reply.status == 201 && reply.header("x-length") == "\(path.count)" && reply.isWhole)
                    #expect(reply.text == path.uppercased())
                }
            }
        }
    }

    @Test(
        "The last step may stream, whether it has credits, in the first step's queue, or none",
        arguments: ["pages", "ends"], [0, 2])
    func streams(_ queue: String, _ window: Int) async throws {
        let piece = [UInt8](repeating: 0x61, count: 10_000)
        let last: (Worker) -> Void = { worker in
            worker.handle("last") { (context: JobContext, path: String) in
                try await context.send(WebAnswer(text: path))
                for _ in 0..<20 { try await context.send(Bytes(piece)) }
            }
        }
        try await Self.run([.step("through", queue: "ends"), .step("last", queue: queue)], window: window) { worker in
            Self.begin(worker)
            if queue == "pages" { last(worker) }
        } ends: { worker in
            worker.handle("through") { (_: JobContext, path: String) in path }
            if queue == "ends" { last(worker) }
        } _: { front in
            let reply = try await front.get("/x")
            #expect(reply.status == 200 && reply.isWhole)
            #expect(reply.body == Array("/x".utf8) + Array(repeating: piece, count: 20).joined())
        }
    }

    @Test("A step that fails is the answer, and what would follow is not begun; an answer in the middle is never the browser's")
    func failure() async throws {
        let begun = Atomic(0)
        let route: Route = [.step("middle", queue: "ends"), .step("after", queue: "ends")]
        try await Self.run(route) { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
        } ends: { worker in
            worker.handle("middle") { (_: JobContext, answer: WebAnswer) in
                guard answer.body == Array("/good".utf8) else { throw HandlerError(message: "not this one") }
                return "no answer for a browser"
            }
            worker.handle("after") { (_: JobContext, text: String) in
                begun.add(1, ordering: .relaxed)
                return text
            }
        } _: { front in
            let bad = try await front.get("/bad")
            #expect(bad.status == 500 && begun.load(ordering: .relaxed) == 0, "\(bad)")
            #expect(!bad.text.contains("not this one"), "what went wrong is for the log")
            let unfit = try await front.get("/good")
            #expect(unfit.status == 502 && begun.load(ordering: .relaxed) == 1, "\(unfit)")
        }
    }

    @Test("A front does not begin with a route that its workers cannot follow")
    func refused() throws {
        let table: [(String, (inout FrontRoute) -> Void)] = [
            ("/x: a WebSocket has no `route`", { $0.isSocket = true }),
            ("/x: workers of node-tempest follow no `route`", { $0.isOriginal = true }),
            ("/x: route[0].action", { $0.route = [.step("")] }),
        ]
        for (part, change) in table {
            var configuration = FrontConfiguration()
            var route = try FrontRoute("/x=q")
            route.route = [.step("next")]
            change(&route)
            configuration.routes = [route]
            let error = #expect(throws: FrontConfigurationError.self) {
                let front = try Front(configuration)
                _ = front
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }
}

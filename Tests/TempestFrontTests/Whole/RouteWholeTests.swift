import Logging
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("A front's routes whose answers go on", .timeLimit(.minutes(2)))
struct RouteWholeTests {
    /// A second worker, of the queue `frames`, while the body runs.
    private func withFrames<R>(_ front: RunningFront, _ body: () async throws -> R) async throws -> R {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let worker = try Worker(queues: ["frames"], redis: RedisConfiguration(url: front.redis.url), logger: logger)
        worker.handle("frame") { (_: JobContext, page: WebAnswer) in
            WebAnswer(status: page.status, headers: [("x-framed", "yes")], body: Array("<p>".utf8) + page.body + "</p>".utf8)
        }
        worker.handle("fail") { (_: JobContext, _: WebAnswer) throws -> WebAnswer in
            throw HandlerError(code: "no", message: "a secret")
        }
        worker.handle("stream") { (context: JobContext, page: WebAnswer) in
            try await context.send(page)
            try await context.send(" and more")
        }
        return try await withRunning(worker) { try await body() }
    }

    private static func run<R: Sendable>(_ route: String, _ body: (RunningFront) async throws -> R) async throws -> R {
        let file = """
            routes:
              - path: /*
                queue: pages
                route: '\(route)'
                deadline: 10
            """
        let routes = try FrontFile.read(file, file: "front.yaml").routes
        return try await RunningFront.run {
            $0.routes = routes
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(status: 201, text: request.url) }
            worker.handle("twice") { (_: JobContext, page: WebAnswer) in
                WebAnswer(status: page.status, body: page.body + page.body)
            }
        } _: {
            try await body($0)
        }
    }

    @Test("An answer goes on over the queues of two workers and ends at the browser")
    func sequence() async throws {
        try await Self.run("frame@frames,twice@pages,frame@frames") { front in
            try await withFrames(front) {
                for path in ["/a", "/b"] {
                    let reply = try await front.get(path)
                    #expect(reply.status == 201 && reply.header("x-framed") == "yes", "\(reply)")
                    #expect(reply.text == "<p><p>\(path)</p><p>\(path)</p></p>")
                }
            }
        }
    }

    @Test("The last step may stream; a step that fails is told 500 without its text")
    func ends() async throws {
        try await Self.run("frame@frames,stream") { front in
            try await withFrames(front) {
                let reply = try await front.get("/a")
                #expect(reply.text == "<p>/a</p> and more" && reply.isWhole)
            }
        }
        try await Self.run("fail@frames") { front in
            try await withFrames(front) {
                let reply = try await front.get("/a")
                #expect(reply.status == 500 && !reply.text.contains("secret"))
            }
        }
    }

    @Test("The deadline is for all steps: where the next worker is not there, the browser is told 504")
    func absent() async throws {
        try await RunningFront.run {
            $0.routes[0].route = try Route("frame@nobody")
            $0.routes[0].deadline = .milliseconds(500)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
        } _: { front in
            let reply = try await front.get("/a")
            #expect(reply.status == 504)
        }
    }

    @Test(
        "A route that is no route is refused with its line",
        arguments: ["a,,b", "[a", "a@q 1", "[a]b", "a@b@c", "\(Array(repeating: "a", count: 65).joined(separator: ","))"])
    func bad(_ route: String) {
        let text = "listen: ':0'\nroutes:\n  - path: /*\n    queue: pages\n    route: '\(route)'\n"
        let error = #expect(throws: FrontConfigurationError.self) { _ = try FrontFile.read(text, file: "front.yaml") }
        #expect(error?.description.hasPrefix("front.yaml, line 5: `route`: ") == true, "\(error?.description ?? "")")
    }
}

import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("HTTP/2 by TLS through a whole front", .timeLimit(.minutes(3)))
struct SecureWholeTests {
    private static func serve(_ worker: Worker) {
        worker.handle("url") { (context: JobContext, request: WebRequest) in
            switch request.path {
            case "/stream":
                try await context.send(WebAnswer(body: "one\n".utf8))
                for word in ["two\n", "three\n"] { try await context.send(word) }
            case "/broken":
                try await context.send(WebAnswer(body: "half\n".utf8))
                throw HandlerError(message: "no more")
            case "/none": try await context.send(WebAnswer(status: 204))
            default:
                let facts = "\(request.method) \(request.url) \(request.scheme ?? "") \(request.headers["host"] ?? "")"
                try await context.send(WebAnswer(text: "\(facts) \(request.body.count)\n"))
            }
        }
    }

    private static func withCurl<R: Sendable>(
        _ change: @escaping (inout FrontConfiguration) -> Void = { _ in }, _ body: (Curl, String) async throws -> R
    ) async throws -> R {
        try await Curl.run {
            change(&$0)
        } handlers: {
            serve($0)
        } _: {
            try await body($0, $1)
        }
    }

    /// What came, and a line with the version of HTTP and the status.
    private func ask(
        _ curl: Curl, _ path: String, _ words: String...
    ) async throws -> (status: TempestTesting.ExitStatus, output: [String]) {
        try await curl.run(path, ["--http2", "-w", "%{http_version} %{http_code}\\n"] + words)
    }

    @Test("A request is held and answered, with the scheme and the host that the browser used")
    func held() async throws {
        try await Self.withCurl { curl, _ in
            let host = "127.0.0.1:\(curl.front.port)"
            let get = try await ask(curl, "/a?b=c")
            #expect(get.status == .exited(0) && get.output == ["GET /a?b=c https \(host) 0", "2 200"])
            let post = try await ask(curl, "/", "-d", "body")
            #expect(post.output == ["POST / https \(host) 4", "2 200"])
            let older = try await curl("/a", "--http1.1", "-w", "%{http_version}\\n")
            #expect(older.output == ["GET /a https \(host) 0", "1.1"])
        }
    }

    @Test("A streamed answer comes whole; one that is broken off is an error, never a short page")
    func streamed() async throws {
        try await Self.withCurl { curl, _ in
            let whole = try await ask(curl, "/stream")
            #expect(whole.status == .exited(0) && whole.output == ["one", "two", "three", "2 200"])
            let broken = try await ask(curl, "/broken")
            // curl's code for a stream that was not closed cleanly.
            #expect(broken.status == .exited(92), "\(broken)")
            let older = try await curl("/broken", "--http1.1")
            #expect(older.status != .exited(0))
            let head = try await curl("/stream", "--http2", "-I")
            #expect(head.status == .exited(0) && head.output.first?.hasPrefix("HTTP/2 200") == true)
            #expect(!head.output.contains { $0.lowercased().hasPrefix("content-length") }, "\(head.output)")
            let none = try await ask(curl, "/none")
            #expect(none.status == .exited(0) && none.output == ["2 204"])
        }
    }

    @Test("A request that is held when the front is to stop is answered")
    func drained() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await Curl.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, _: WebRequest) in
                var iterator = gate.stream.makeAsyncIterator()
                _ = await iterator.next()
                return WebAnswer(text: "finished\n")
            }
        } _: { curl, _ in
            async let asked = curl.run("/", ["--http2", "-w", "%{http_version} %{http_code}\\n"])
            try await eventually("it runs") { try await curl.front.client.statistics(QueueName("pages")).running == 1 }
            await curl.front.drain()
            gate.continuation.finish()
            let held = try await asked
            #expect(held.status == .exited(0) && held.output == ["finished", "2 200"], "\(held)")
        }
    }

    @Test("What the front refuses arrives as that: too large a body, a path that is none, a body that waits to be asked for")
    func refused() async throws {
        try await Self.withCurl {
            $0.rules.body = 1000
        } _: { curl, folder in
            let file = "\(folder)/body"
            try write(String(repeating: "x", count: 5000), to: file)
            let large = try await ask(curl, "/", "--data-binary", "@\(file)")
            #expect(large.output.last == "2 413", "\(large)")
            try write("fits", to: file)
            let awaited = try await ask(curl, "/", "-H", "Expect: 100-continue", "--data-binary", "@\(file)")
            #expect(awaited.status == .exited(0) && awaited.output.last == "2 200", "\(awaited)")
        }
    }

    @Test("A browser that resets its stream takes the job along, and the connection's other requests go on")
    func reset() async throws {
        let begun = Mutex(0)
        let cancelled = Mutex(0)
        try await Curl.run { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in
                if request.url == "/slow" {
                    begun.withLock { $0 += 1 }
                    do {
                        try await Task.sleep(for: .seconds(30))
                    } catch {
                        cancelled.withLock { $0 += 1 }
                        throw error
                    }
                }
                return WebAnswer(text: request.url)
            }
        } _: { curl, _ in
            // On a busy machine curl may have given up before its job is begun: that one shows nothing, and the next is asked.
            for _ in 0..<10 where begun.withLock({ $0 }) == 0 {
                let slow = try await curl("/slow", "--http2", "-m", "1")
                #expect(slow.status == .exited(28), "curl has given up")
            }
            let running = begun.withLock { $0 }
            try #require(running > 0)
            try await eventually("the job is cancelled") { cancelled.withLock { $0 } >= running }
            #expect(try await curl("/next", "--http2").output == ["/next"])
        }
    }
}

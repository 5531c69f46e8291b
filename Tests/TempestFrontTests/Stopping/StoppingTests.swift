import NIOCore
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Stopping a front", .timeLimit(.minutes(3)))
struct StoppingTests {
    private static func held(_ worker: Worker, _ gate: AsyncStream<Void>) {
        worker.handle("url") { (_: JobContext, request: WebRequest) in
            if request.path == "/held" {
                var iterator = gate.makeAsyncIterator()
                _ = await iterator.next()
            }
            return WebAnswer(text: request.url)
        }
    }

    @Test("A lame duck is not ready, serves what comes on old and new connections, and closes each with its response")
    func lameDuck() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await RunningFront.run {
            $0.lame = .seconds(10)
            $0.grace = .seconds(60)
        } handlers: {
            Self.held($0, gate.stream)
        } _: { front in
            try await eventually("ready") { try await front.get("/readyz").status == 200 }
            try await front.browse { old in
                try await old.send("GET /one HTTP/1.1\r\nHost: t\r\n\r\n")
                let first = try await old.reply()
                #expect(first.text == "/one" && first.header("connection") == nil)
                try await front.browse { other in
                    try await other.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\n")
                    try await eventually("it runs") { try await front.client.statistics(QueueName("pages")).running == 1 }
                    await front.drain()
                    try await eventually("not ready") {
                        let reply = try await front.get("/readyz")
                        return reply.status == 503 && reply.text == "about to stop\n"
                    }
                    #expect(try await front.get("/healthz").status == 200)
                    try await old.send("GET /two HTTP/1.1\r\nHost: t\r\n\r\n")
                    let second = try await old.reply()
                    #expect(second.text == "/two" && second.header("connection") == "close")
                    try await eventually("the old connection is closed") { old.isClosed }
                    let new = try await front.get("/new")
                    #expect(new.text == "/new" && new.header("connection") == "close")
                    gate.continuation.finish()
                    let last = try await other.reply()
                    #expect(last.text == "/held" && last.header("connection") == "close")
                }
            }
        }
    }

    @Test("A client that has just connected when the front drains is answered, and so is one in the middle of its head")
    func late() async throws {
        try await RunningFront.run {
            $0.grace = .seconds(20)
            $0.limits.linger = .seconds(5)
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
        } _: { front in
            try await front.browse { silent in
                try await front.browse { slow in
                    try await slow.send("GET /slow HTTP/1.1\r\nHo")
                    // Both are accepted once a third, which came after them, was served.
                    #expect(try await front.get("/healthz").status == 200)
                    await front.drain()
                    try await eventually("nobody new is accepted") {
                        do { return try await front.get("/healthz").status == 0 } catch { return true }
                    }
                    try await silent.send("GET /silent HTTP/1.1\r\nHost: t\r\n\r\n")
                    try await slow.send("st: t\r\n\r\n")
                    for (browser, path) in [(silent, "/silent"), (slow, "/slow")] {
                        let reply = try await browser.reply()
                        #expect(reply.text == path && reply.header("connection") == "close", "\(path): \(reply)")
                    }
                }
            }
        }
    }

    @Test("A response that is under way when the front drains comes whole, however much of it waits")
    func whole() async throws {
        try await withTemporaryDirectory { folder in
            let size = 12 << 20
            try write(String(repeating: "x", count: size), to: "\(folder)/large.txt")
            try await RunningFront.run(["/api/*=pages"]) {
                $0.files = StaticFilesOptions(folder: folder)
                $0.grace = .seconds(30)
            } _: { front in
                try await front.browse { browser in
                    try await browser.stopReading()
                    try await browser.send("GET /large.txt HTTP/1.1\r\nHost: t\r\n\r\n")
                    #expect(try await front.get("/healthz").status == 200)
                    await front.drain()
                    try await eventually("nobody new is accepted") {
                        do { return try await front.get("/healthz").status == 0 } catch { return true }
                    }
                    try await browser.stopReading(false)
                    let reply = try await browser.reply()
                    #expect(reply.isWhole && reply.body.count == size)
                }
            }
        }
    }

    @Test("At the end of the grace whoever is left is cut: deaf readers, half handshakes, clients of HTTP/2 that never answer")
    func hardEnd() async throws {
        try await withTemporaryDirectory { folder in
            try write(String(repeating: "x", count: 12 << 20), to: "\(folder)/large.txt")
            let certificate = try await Certificate.make(in: folder)
            for kind in ["deaf", "half", "http2", "http2 stream"] {
                let clock = ContinuousClock()
                var begin = clock.now
                try await RunningFront.run(["/api/*=pages"]) {
                    $0.files = StaticFilesOptions(folder: folder)
                    $0.grace = .seconds(2)
                    if kind != "deaf" { try $0.secure(certificate: certificate.file, key: certificate.key) }
                } handlers: { worker in
                    worker.handle("url") { (_: JobContext, _: WebRequest) in
                        try await Task.sleep(for: .seconds(60))
                        return WebAnswer()
                    }
                } _: { front in
                    switch kind {
                    case "deaf":
                        let client = try await RawClient.connect(front.port, reads: false)
                        try await client.send("GET /large.txt HTTP/1.1\r\nHost: t\r\n\r\n")
                        #expect(try await front.get("/healthz").status == 200)
                    case "half":
                        let client = try await RawClient.connect(front.port)
                        try await client.send([0x16, 3, 1])
                    default:
                        let client = try await RawClient.connect(front.port, protocols: ["h2"])
                        try await client.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0])
                        if kind == "http2 stream" {
                            // GET https / with :authority a, by the static table.
                            let block: [UInt8] = [0x82, 0x87, 0x04, 0x06] + Array("/api/a".utf8) + [0x41, 0x01, 0x61]
                            try await client.send([0, 0, UInt8(block.count), 1, 5, 0, 0, 0, 1] + block)
                            try await eventually("it runs") {
                                try await front.client.statistics(QueueName("pages")).running == 1
                            }
                        }
                        try await eventually("HTTP/2 is spoken") { client.received.count >= 18 }
                    }
                    begin = clock.now
                    await front.drain()
                }
                let time = clock.now - begin
                // A half handshake ends sooner, and a machine may be busy.
                #expect(time < .seconds(5), "\(kind): \(time)")
                if kind != "half" { #expect(time > .milliseconds(1900), "\(kind): \(time)") }
            }
        }
    }

    @Test("By HTTP/2 a lame duck says GOAWAY, finishes what is held and serves new connections")
    func goAway() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await Curl.run {
            $0.lame = .seconds(5)
            $0.grace = .seconds(30)
        } handlers: {
            Self.held($0, gate.stream)
        } _: { curl, _ in
            async let held = curl("/held", "--http2")
            try await eventually("it runs") { try await curl.front.client.statistics(QueueName("pages")).running == 1 }
            let idle = try await RawClient.connect(curl.front.port, protocols: ["h2"])
            try await idle.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0])
            try await eventually("HTTP/2 is spoken") { idle.received.count >= 18 }
            await curl.front.drain()
            try await eventually("GOAWAY with all streams allowed") {
                idle.received.windows(of: [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF])
            }
            #expect(try await curl("/new", "--http2").output == ["/new"])
            gate.continuation.finish()
            let reply = try await held
            #expect(reply.status == .exited(0) && reply.output == ["/held"])
            await idle.close()
        }
    }

    @Test("A client of HTTP/2 that never answers is closed when it was told to go and has nothing open")
    func silentClient() async throws {
        try await Curl.run {
            $0.limits.idle = .milliseconds(200)
            $0.limits.header = .milliseconds(300)
            $0.limits.resolution = .milliseconds(20)
        } _: { curl, _ in
            let client = try await RawClient.connect(curl.front.port, protocols: ["h2"])
            // One stream, so that the idle time begins: HEADERS for /healthz.
            let block: [UInt8] = [0x82, 0x87, 0x04, 0x08] + Array("/healthz".utf8) + [0x41, 0x01, 0x61]
            try await client.send(
                Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
                    + [0, 0, UInt8(block.count), 1, 5, 0, 0, 0, 1] + block)
            try await client.end()
        }
    }
}

extension [UInt8] {
    /// Whether these bytes are among them.
    fileprivate func windows(of bytes: [UInt8]) -> Bool { firstRange(of: bytes) != nil }
}

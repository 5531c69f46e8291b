import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@Suite("Streamed answers")
struct StreamedAnswerTests {
    @Test("The first answer is the head and the first piece, the others are pieces; the body ends as it should")
    func whole() async throws {
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (context: JobContext, request: WebRequest) in
                try await context.send(WebAnswer(status: 202, headers: [("x-a", "b")], body: "one ".utf8))
                try await context.send("two ")
                try await context.send(Bytes([0xFF, 0]))
            }
        } _: { front in
            try await front.browse { browser in
                for _ in 0..<2 {
                    try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
                    let reply = try await browser.reply()
                    #expect(reply.status == 202 && reply.header("x-a") == "b" && reply.isWhole)
                    #expect(reply.body == Array("one two ".utf8) + [0xFF, 0])
                }
            }
        }
    }

    @Test("A stream that fails after its head is broken off: no browser takes a part for the whole")
    func broken() async throws {
        try await RunningFront.run { _ in
        } handlers: { worker in
            worker.handle("url") { (context: JobContext, request: WebRequest) in
                try await context.send(WebAnswer(body: "half".utf8))
                if request.url == "/map" { try await context.send(["a": "map"]) }
                throw HandlerError(message: "no more")
            }
        } _: { front in
            for path in ["/error", "/map"] {
                let reply = try await front.get(path)
                #expect(reply.status == 200 && reply.text == "half" && !reply.isWhole)
            }
        }
    }

    @Test("A worker that dies before its first answer is replaced; after it the response is broken off")
    func died() async throws {
        try await RunningFront.run(["/*=raw"]) { front in
            // Two attempts under two tokens, as a reaped worker and the next one would send them.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await ForeignPage(front).answerOnce(
                        { "[\"url\",\($0),[200,{},\"first \"],{\"more\":true,\"seq\":0,\"token\":\"a/1\"}]" },
                        { "[\"url\",\($0),[200,{},\"again \"],{\"more\":true,\"seq\":0,\"token\":\"b/1\"}]" },
                        { "[\"url\",\($0),[\"end\"],{\"seq\":1,\"token\":\"b/1\"}]" })
                }
                let reply = try await front.get("/")
                #expect(!reply.isWhole && !reply.text.contains("again"), "two attempts are never spliced: \(reply)")
                try await group.waitForAll()
            }
        }
    }

    @Test("A slow browser holds its worker back: no more is sent than it has credits for")
    func credits() async throws {
        let sent = Atomic(0)
        let piece = [UInt8](repeating: 0x61, count: 64 << 10)
        try await RunningFront.run {
            $0.routes[0].window = 8
        } handlers: { worker in
            worker.handle("url") { (context: JobContext, _: WebRequest) in
                try await context.send(WebAnswer(body: piece))
                for _ in 0..<400 {
                    try await context.send(Bytes(piece))
                    sent.add(1, ordering: .relaxed)
                }
            }
        } _: { front in
            try await front.browse { browser in
                try await browser.stopReading()
                try await browser.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
                // What the two sockets hold, and the window: far from all.
                var last = -1
                try await eventually("the worker stands still") {
                    let now = sent.load(ordering: .relaxed)
                    defer { last = now }
                    try await Task.sleep(for: .milliseconds(300))
                    return now > 0 && now == last
                }
                #expect(last < 200, "\(last) pieces of 64 KiB were sent to a browser that takes none")
                try await browser.stopReading(false)
                let reply = try await browser.reply()
                #expect(reply.isWhole && reply.body.count == 401 * piece.count)
            }
        }
    }
}

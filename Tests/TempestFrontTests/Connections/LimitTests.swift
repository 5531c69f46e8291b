import Hummingbird
import NIOCore
import Synchronization
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized) struct LimitTests {
    @Test func aHeaderThatTricklesIsAnswered408AndClosed() async throws {
        var limits = ConnectionLimits.brisk
        limits.header = .milliseconds(300)
        try await withServer(.front(limits: limits)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHo")
            // More bytes give no more time.
            let text = try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask {
                    while !client.isClosed {
                        try? await client.send("s")
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    return client.text
                }
                return try await group.next() ?? ""
            }
            #expect(text.hasPrefix("HTTP/1.1 408 "))
            #expect(text.lowercased().contains("connection: close"))
        }
    }

    @Test func theNextHeaderOfAConnectionHasItsTimeToo() async throws {
        var limits = ConnectionLimits.brisk
        // The first request has it too, and a busy machine may bring that late.
        limits.header = .seconds(2)
        try await withServer(.front(limits: limits)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.receive("hello")
            try await client.send("GET /hel")
            #expect(try await client.end().contains("HTTP/1.1 408 "))
            // Also behind the request before it.
            let quick = try await RawClient.connect(port)
            try await quick.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hel")
            #expect(try await quick.end().contains("HTTP/1.1 408 "))
        }
    }

    @Test func anIdleConnectionIsClosedWithoutAWordAndABusyOneIsKept() async throws {
        var limits = ConnectionLimits.brisk
        limits.idle = .milliseconds(200)
        let router = Router()
        router.get("/slow") { _, _ in
            try await Task.sleep(for: .milliseconds(700))
            return "done"
        }
        try await withServer(.front(limits: limits), router: router) { port in
            let idle = try await RawClient.connect(port)
            let busy = try await RawClient.connect(port)
            try await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await idle.end() == "")
            try await busy.receive("done")
            try await busy.end()
        }
    }

    @Test func aBodyThatTricklesIsAnswered408() async throws {
        var limits = ConnectionLimits.brisk
        limits.bodyGrace = .milliseconds(300)
        try await withServer(.front(limits: limits)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
            #expect(try await client.end().hasPrefix("HTTP/1.1 408 "))
            // And the connection is gone for good, not half.
            try await eventually("the connection ends") { !((try? client.channel.isActive) ?? false) || client.isClosed }
        }
    }

    @Test func aBodyThatComesWellIsRead() async throws {
        var limits = ConnectionLimits.brisk
        limits.bodyGrace = .seconds(1)
        try await withServer(.front(limits: limits)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
            for _ in 0..<100 {
                try await client.send(String(repeating: "x", count: 1000))
                try await Task.sleep(for: .milliseconds(20))
            }
            try await client.receive("xxx")
            #expect(client.text.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func aResponseThatIsNotTakenEndsTheConnection() async throws {
        var limits = ConnectionLimits.brisk
        limits.writeStall = .milliseconds(400)
        let ended = Atomic(false)
        let router = Router()
        router.get("/big") { _, _ in
            Response(
                status: .ok,
                body: .init { writer in
                    defer { ended.store(true, ordering: .relaxed) }
                    while true { try await writer.write(ByteBuffer(repeating: 0x61, count: 1 << 16)) }
                })
        }
        try await withServer(.front(limits: limits), router: router) { port in
            let client = try await RawClient.connect(port, reads: false)
            try await client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            try await eventually("the writer is told") { ended.load(ordering: .relaxed) }
            await client.close()
        }
    }

    @Test(arguments: [
        String(repeating: "X: y\r\n", count: 101),
        "X: " + String(repeating: "y", count: 65 << 10) + "\r\n",
        (0..<70).map { "X\($0): " + String(repeating: "y", count: 1000) + "\r\n" }.joined(),
    ])
    func aHeaderAboveTheLimitsIsAnswered431(_ fields: String) async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
            #expect(try await client.end().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func aRequestTargetAboveTheLimitIsAnswered431() async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /\(String(repeating: "a", count: 65 << 10)) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.end().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test func aHundredFieldsAreFine() async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 99))\r\n")
            try await client.receive("hello")
        }
    }

    @Test func aRequestThatAsksToCloseIsAnsweredAndTheConnectionEndsEvenIfTheClientStays() async throws {
        try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await client.end().hasSuffix("hello"))
            // The front has closed its whole side, so that bytes of ours find nobody.
            try await eventually("the front is gone") {
                do {
                    try await client.send("x")
                    return false
                } catch { return true }
            }
        }
    }

    @Test func aShutdownEndsIdleConnectionsAtOnce() async throws {
        let client = try await withServer(.front(limits: .brisk)) { port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.receive("hello")
            return client
        }
        try await client.end()
    }
}

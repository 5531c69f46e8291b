import Hummingbird
import NIOCore
import TempestTesting
import Testing

@testable import TempestFront

/// What one stream has done, or a client does often and may do, ends no connection; and where one ends, its client learns what was begun.
@Suite(.serialized) struct StreamFaultTests {
    private func client(
        window: Int? = nil, frameSize: Int? = nil, confirms: Bool = true,
        _ body: @escaping @Sendable (FrameClient) async throws -> Void
    ) async throws {
        try await withSecureServer(router: bodyRouter()) { port in
            let client = try await FrameClient.connect(port, window: window, frameSize: frameSize, confirms: confirms)
            try await body(client)
            await client.raw.close()
        }
    }

    private func expectAlive(_ client: FrameClient, _ stream: Int) async throws {
        try await client.get(stream, "/hello")
        let answer = try await client.whole(stream)
        #expect(answer.status == 200 && String(decoding: answer.body, as: UTF8.self) == "hello")
        #expect(client.goAway == nil)
    }

    @Test(
        "A response has as many headers as its worker gave it, in frames that its client takes",
        arguments: [nil, 20_000, 1 << 20])
    func wide(_ frameSize: Int?) async throws {
        try await client(frameSize: frameSize) { client in
            for (number, count) in [1, 7, 8, 9, 10, 60].enumerated() {
                let stream = 2 * number + 1
                try await client.get(stream, "/wide?count=\(count)")
                let answer = try await client.whole(stream)
                #expect(answer.status == 200 && answer.isWhole && answer.body == Array("wide".utf8))
                #expect(answer.headers.count { $0.0 == "set-cookie" && $0.1.utf8.count > 2000 } == count)
            }
            let sizes = client.frames.map(\.payload.count)
            #expect(sizes.allSatisfy { $0 <= frameSize ?? 16_384 } && (frameSize == nil || sizes.contains { $0 > 16_384 }))
            try await expectAlive(client, 101)
        }
    }

    @Test("Bodies come in frames that the client takes, whole and in order", arguments: [nil, 16_385, 50_000])
    func bodies(_ frameSize: Int?) async throws {
        try await client(window: 1 << 30, frameSize: frameSize) { client in
            try await client.window(0, 1 << 30)
            let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            try await client.ask(1, "POST", "/echo", ends: false)
            for start in stride(from: 0, to: sent.count, by: 10_000) {
                try await client.send(0, start + 10_000 == sent.count ? 1 : 0, 1, Array(sent[start..<start + 10_000]))
                try await eventually("its window is open") {
                    let opened = client.frames.filter { $0.type == 8 && $0.stream == 1 }.reduce(65_535) { $0 + Int($1.code()) }
                    let all = client.frames.filter { $0.type == 8 && $0.stream == 0 }.reduce(65_535) { $0 + Int($1.code()) }
                    return min(opened, all) >= min(start + 20_000, sent.count) || start + 10_000 == sent.count
                }
            }
            let answer = try await client.whole(1)
            #expect(answer.isWhole && answer.body == sent)
            let sizes = client.frames.map(\.payload.count)
            #expect(sizes.allSatisfy { $0 <= frameSize ?? 16_384 } && (frameSize == nil || sizes.contains { $0 > 16_384 }))
            // Settings that change in the middle, in two segments and among others.
            let before = client.frames.count
            let settings = FrameClient.frame(4, 0, 0, [0, 1] + FrameClient.bytes(4096) + [0, 5] + FrameClient.bytes(16_400))
            try await client.raw.send(Array(settings[..<12]))
            try await client.raw.send(Array(settings[12...]))
            try await eventually("they are confirmed") {
                client.frames.dropFirst(before).contains { $0.type == 4 && $0.flags == 1 }
            }
            try await client.get(3, "/wide?count=20")
            #expect(try await client.whole(3).headers.count { $0.0 == "set-cookie" } == 20)
            #expect(client.frames.dropFirst(before).allSatisfy { $0.payload.count <= 16_400 })
            #expect(client.frames.dropFirst(before).contains { $0.payload.count == 16_400 })
            try await expectAlive(client, 5)
        }
    }

    @Test("A stream above the hundred that a client may have is refused alone, also before it knows")
    func crowd() async throws {
        try await client(window: 0, confirms: false) { client in
            for number in 0..<150 { try await client.get(2 * number + 1, "/big") }
            for number in 100..<150 { #expect(try await client.whole(2 * number + 1).reset == 7) }
            try await eventually("the hundred are served") { (0..<100).allSatisfy { client.answer(2 * $0 + 1).status == 200 } }
            let limit: [Int] = client.frames.filter { $0.type == 4 && $0.flags == 0 }.flatMap { settings in
                stride(from: 0, to: settings.payload.count, by: 6).filter { settings.payload[$0 + 1] == 3 }
                    .map { Int(settings.code(at: $0 + 2)) }
            }
            #expect(limit == [100])
            for number in 0..<100 { try await client.send(3, 0, 2 * number + 1, FrameClient.bytes(8)) }
            try await client.get(1001, "/hello")
            try await client.window(1001, 100)
            #expect(try await client.whole(1001).status == 200)
            #expect(client.goAway == nil)
        }
    }

    @Test("Pings, priorities, resets, settings and bodies without a byte are many in a page that is turned, and end nothing")
    func busy() async throws {
        try await client { client in
            try await client.ask(1, "POST", "/echo", ends: false)
            for number in 1...300 {
                let stream = 2 * number + 1
                try await client.get(stream, "/hello")
                try await client.send(3, 0, stream, FrameClient.bytes(8))
                try await client.send(0, 0, 1)
                try await client.send(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1])
                for other in [0, stream, stream + 10] {
                    try await client.send(2, 0, stream, FrameClient.bytes(UInt32(other)) + [1])
                }
                try await client.send(4, 0, 0, [])
            }
            try await client.send(0, 1, 1, Array("body".utf8))
            let answer = try await client.whole(1)
            #expect(answer.status == 200 && answer.body == Array("body".utf8))
            try await expectAlive(client, 1001)
        }
    }

    @Test("Where a connection ends for a client's fault, it learns which requests were begun", arguments: [6, 0, 9] as [UInt8])
    func last(_ type: UInt8) async throws {
        try await client { client in
            try await client.ask(5, "POST", "/echo", ends: false)
            try await client.get(7, "/hello")
            #expect(try await client.whole(7).status == 200)
            // Too many pings, a body of no stream, a part of no header block.
            for _ in 0..<(type == 6 ? 1001 : 1) {
                try? await client.send(type, 0, type == 6 ? 0 : 9, [0, 0, 0, 0, 0, 0, 0, 1])
            }
            try await eventually("it ends") { client.raw.isClosed }
            #expect(client.goAway == (type == 6 ? 11 : 1) && client.lastStream == 7)
        }
    }

    @Test("What is under way when requests are refused early does not end their connection")
    func early() async throws {
        try await client { client in
            for number in 0..<200 {
                let stream = 2 * number + 1
                try await client.ask(stream, "POST", "/refused", [("content-length", "1000000")], ends: false)
                #expect(try await client.whole(stream).status == 403)
            }
            for number in 0..<200 { try await client.send(0, 0, 2 * number + 1, [1, 2, 3]) }
            try await expectAlive(client, 1001)
        }
    }

    @Test("Malformed requests end alone, however many have come")
    func malformed() async throws {
        try await client { client in
            for number in 0..<400 {
                try await client.get(2 * number + 1, "/hello", [("connection", "close")])
                #expect(try await client.whole(2 * number + 1).reset == 1)
            }
            try await expectAlive(client, 1001)
        }
    }

    @Test("A header block may come in many small frames", arguments: [1, 7, 100])
    func small(_ size: Int) async throws {
        try await client { client in
            let more = (0..<5).map { ("x-\($0)", "v") }
            try await client.ask(1, "GET", "/hello", more, size: size)
            #expect(try await client.whole(1).status == 200)
            let block = [0x82, 0x87, 0x04, 6] + Array("/hello".utf8) + [0x01, 5] + Array("front".utf8)
            // With a priority, with padding, and with frames that have nothing of it.
            try await client.send(1, 1 | 0x28, 3, [2, 0, 0, 0, 0, 7] + block[..<size.clamped(4)] + [0, 0])
            for _ in 0..<50 { try await client.send(9, 0, 3) }
            try await client.send(9, 4, 3, Array(block[size.clamped(4)...]))
            #expect(try await client.whole(3).status == 200)
            try await expectAlive(client, 5)
        }
    }

    @Test(
        "A header block is never endless, and nothing comes between its frames",
        arguments: ["small", "large", "between", "other"])
    func endless(_ kind: String) async throws {
        try await client { client in
            try await client.send(1, 1, 1, [0x82])
            switch kind {
            case "small": for _ in 0..<300 { try? await client.send(9, 0, 1) }
            case "large": for _ in 0..<20 { try? await client.send(9, 0, 1, [UInt8](repeating: 0x82, count: 16_384)) }
            case "between": try await client.send(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1])
            default: try await client.send(9, 4, 3, [0x82])
            }
            try await eventually("it ends") { client.raw.isClosed }
            #expect(client.goAway == (kind == "small" ? 11 : 1))
        }
    }

    @Test("Characters that stand for bytes within the front are themselves in the headers of a stream")
    func characters() async throws {
        try await client { client in
            let value = "a\u{F7E9}\u{F7A9}"
            try await client.get(1, "/headers", [("x-name", value)])
            let body = try await client.whole(1).body
            #expect(HeaderBytes.unescaped(body) == Array(value.utf8))
        }
    }

    @Test("Frames that are wrong are forgiven, but not without end, and nothing of them is kept")
    func faults() async throws {
        try await client { client in
            let wrong = FrameClient.frame(2, 0, 99, [UInt8](repeating: 0, count: 1000))
            let many = [UInt8]((0..<990).map { _ in wrong }.joined())
            // In segments that do not end where frames do.
            for start in stride(from: 0, to: many.count, by: 700) {
                try await client.raw.send(Array(many[start..<min(start + 700, many.count)]))
            }
            try await expectAlive(client, 1)
            for _ in 0..<20 { try? await client.raw.send(wrong) }
            try await eventually("it ends") { client.raw.isClosed }
            #expect(client.goAway == 6 && client.lastStream == 1)
        }
    }

    @Test("Headers that do not end have their time, whatever else the connection does")
    func half() async throws {
        var limits = ConnectionLimits.brisk
        limits.header = .milliseconds(500)
        try await withSecureServer(limits, router: bodyRouter()) { port in
            let client = try await FrameClient.connect(port, window: 0)
            try await client.get(1, "/big")
            try await client.send(1, 1, 3, [0x82])
            try await eventually("it ends") {
                try? await client.send(9, 0, 3)
                return client.raw.isClosed
            }
            #expect(client.goAway == 11 && client.lastStream == 1)
        }
    }

    @Test("What is asked before a goodbye is heard is served")
    func goodbye() async throws {
        let registry = ConnectionRegistry(logger: .silent)
        try await withSecureServer(router: bodyRouter(), registry: registry) { port in
            let client = try await FrameClient.connect(port)
            try await expectAlive(client, 1)
            registry.tell(AboutToStop())
            try await eventually("it is said") { client.frames.contains { $0.type == 6 } }
            #expect(client.goAway == 0 && client.lastStream == Int(Int32.max))
            try await client.get(3, "/hello")
            #expect(try await client.whole(3).status == 200)
            let ping = try #require(client.frames.first { $0.type == 6 })
            try await client.send(6, 1, 0, ping.payload)
            try await eventually("it ends") { client.raw.isClosed }
            #expect(client.goAway == 0 && client.lastStream == 3)
        }
    }

    @Test("Refusals have an end, too")
    func refusals() async throws {
        try await client { client in
            try await client.get(1, "/hello")
            _ = try await client.whole(1)
            for number in 1...1001 { try? await client.get(2 * number + 1, "h") }
            try await eventually("it ends") { client.raw.isClosed }
            #expect(client.goAway == 11 && client.answer(2001).status == 400)
        }
    }

    @Test("Settings of a client reach the library with a small table, and without those that nobody knows")
    func settings() {
        var intake = HTTP2Intake(headerBound: 1 << 18)
        let sent: [(UInt16, UInt32)] = [(1, .max), (1, 10), (4, 7), (0xAAAA, 1), (5, 20_000)]
        var payload = ByteBuffer()
        for _ in 0..<2730 - sent.count { payload.writeMultipleIntegers(UInt16(0xBBBB), UInt32(3)) }
        for (name, value) in sent { payload.writeMultipleIntegers(name, value) }
        let bytes = FrameClient.frame(4, 0, 0, Array(payload.readableBytesView))
        intake.append(ByteBuffer(bytes: [UInt8](repeating: 0, count: 24) + bytes))
        var (passed, size) = (ByteBuffer(), Int?.none)
        while let step = intake.next() {
            switch step {
            case .pass(var part): passed.writeBuffer(&part)
            case .frameSize(let found): size = found
            case .fault: Issue.record("a fault")
            }
        }
        var wanted: [UInt8] = []
        for (name, value) in [(1, 4096), (1, 10), (4, 7), (5, 0xFF_FFFF)] {
            wanted += [0, UInt8(name)] + FrameClient.bytes(UInt32(value))
        }
        #expect(
            Array(passed.readableBytesView.dropFirst(24)) == FrameClient.frame(4, 0, 0, wanted) + FrameClient.frame(4, 1, 0, []))
        #expect(size == 20_000)
    }

    @Test("A priority that is none, and a stream that depends on itself, harm nothing but their stream")
    func priorities() async throws {
        try await client(window: 0) { client in
            try await client.get(1, "/big")
            try await client.get(3, "/big")
            for stream in [1, 99] { try await client.send(2, 0, stream, [0, 0, 0, 1]) }
            #expect(try await client.whole(1).reset == 6)
            let block = [0x82, 0x87, 0x04, 6] + Array("/hello".utf8) + [0x01, 5] + Array("front".utf8)
            try await client.send(1, 5 | 0x20, 5, [0, 0, 0, 5, 1] + block)
            try await client.window(5, 100)
            #expect(try await client.whole(5).status == 200)
            #expect(!client.answer(3).isOver && client.goAway == nil && !client.frames.contains { $0.stream == 99 })
        }
    }
}

extension Int {
    fileprivate func clamped(_ most: Int) -> Int { Swift.min(self, most) }
}

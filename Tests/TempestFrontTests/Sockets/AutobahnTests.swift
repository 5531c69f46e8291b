import NIOCore
import Synchronization
import TempestTesting
import Testing

@testable import TempestFront

/// Cases of Autobahn's suite, numbered as there, from a raw socket. The close's time-out is long, so that what waits for it is seen.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AutobahnTests {
    private static var patient: SocketLimits {
        var limits = SocketLimits()
        (limits.close, limits.ping) = (.seconds(8), .seconds(600))
        return limits
    }

    /// TCP ends at once: the server's side of it.
    private func ended(_ client: SocketClient, _ what: String) async throws {
        let start = ContinuousClock.now
        try await eventually(within: .seconds(10), "\(what): TCP ends") { client.raw.isClosed }
        #expect(ContinuousClock.now - start < .seconds(5), "\(what)")
    }

    @Test("9.1, 9.2: a message of one frame above 1 MiB")
    func large() async throws {
        // Larger ones differ in nothing but the time that they take here.
        let count = 5 << 18
        try await withSocket(TestBackend(), limits: Self.patient) { port in
            let client = try await SocketClient.connect(port)
            for opcode in [1, 2] as [UInt8] {
                try await client.send(opcode, [UInt8](repeating: 0x2A, count: count))
                let frame = try await client.next(within: .seconds(60))
                #expect(frame.opcode == opcode && frame.payload.count == count)
            }
        }
    }

    @Test("9.3, 9.4: a message as large as the limit in fragments of any size; one byte more is 1009")
    func fragments() async throws {
        let most = 512 << 10
        var changed = Self.patient
        changed.message = most
        let limits = changed
        try await withSocket(TestBackend(), limits: limits) { port in
            let whole = [UInt8](repeating: 0x2A, count: most)
            for size in [4 << 10, 64 << 10, 512 << 10] {
                let client = try await SocketClient.connect(port)
                var bytes: [UInt8] = []
                for start in stride(from: 0, to: whole.count, by: size) {
                    let isLast = start + size >= whole.count
                    bytes += SocketClient.frame(start == 0 ? 1 : 0, whole[start..<start + size], final: isLast)
                }
                try await client.raw.send(bytes)
                #expect(try await client.next(within: .seconds(30)).payload.count == whole.count)
                try await client.send(2, whole, final: false)
                try await client.send(0, [1])
                #expect(try await client.closed() == 1009)
                try await ended(client, "a message above the limit")
            }
        }
    }

    @Test("The limit of frames holds by itself, and the header alone of a frame above it is refused")
    func frameLimit() async throws {
        var limits = Self.patient
        limits.frame = 1000
        try await withSocket(TestBackend(), limits: limits) { port in
            let client = try await SocketClient.connect(port)
            try await client.send(2, [UInt8](repeating: 1, count: 1000), final: false)
            try await client.send(0, [UInt8](repeating: 1, count: 1000))
            #expect(try await client.next().payload.count == 2000)
            try await client.raw.send([0x82, 0xFE, 0x03, 0xE9])
            #expect(try await client.closed() == 1009)
        }
    }

    /// The text `κόσμε`, then what is wrong, and what would follow: never sent.
    private static let good = Array("κόσμε".utf8)

    @Test(
        "6.4: text that can no longer be UTF-8 is 1007 at once, between fragments (1, 2) and within a frame (3, 4)",
        arguments: [[0xF4, 0x90], [0xF5], [0xC0], [0xED, 0xA0], [0xE0, 0x80], [0xF0, 0x80], [0xFF], [0x80]] as [[UInt8]])
    func failFast(_ bad: [UInt8]) async throws {
        let backend = TestBackend()
        try await withSocket(backend, limits: Self.patient) { port in
            // A fragment that is not the last.
            let first = try await SocketClient.connect(port)
            try await first.send(1, Self.good, final: false)
            try await first.send(0, bad, final: false)
            #expect(try await first.closed() == 1007)
            try await ended(first, "a bad fragment")
            // The beginning of a frame of which more has to come.
            let second = try await SocketClient.connect(port)
            let frame = SocketClient.frame(1, Self.good + bad + [UInt8](repeating: 0x61, count: 50))
            for byte in frame.prefix(6 + Self.good.count + bad.count) { try await second.raw.send([byte]) }
            #expect(try await second.closed() == 1007)
            try await ended(second, "a bad beginning")
            #expect(!backend.events.contains { $0.hasPrefix("text") })
        }
    }

    @Test("6.2, 6.3: a text cut anywhere is whole again; one that ends within a character is 1007")
    func cut() async throws {
        try await withSocket(TestBackend(), limits: Self.patient) { port in
            let text = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 𝄞 \u{10FFFF}\u{800}\u{D7FF}"
            let client = try await SocketClient.connect(port)
            let bytes = Array(text.utf8)
            for (place, byte) in bytes.enumerated() {
                try await client.send(place == 0 ? 1 : 0, [byte], final: place == bytes.count - 1)
            }
            #expect(try await client.next().text == text)
            try await client.send(1, Array("𝄞".utf8.prefix(3)))
            #expect(try await client.closed() == 1007)
        }
    }

    @Test("7.1, 7.3: a close is answered at once and nothing after it is heard; TCP ends at once", arguments: 0..<7)
    func closes(_ number: Int) async throws {
        let reason = [UInt8](repeating: 0x2A, count: 123)
        let cases: [(sent: [UInt8], code: Int?)] = [
            (SocketClient.frame(8, []), nil),
            (SocketClient.frame(8, [3, 0xE8]), 1000),
            (SocketClient.frame(8, [3, 0xE8] + reason), 1000),
            (SocketClient.frame(8, [3, 0xE8]) + SocketClient.frame(8, [3, 0xE9]), 1000),
            (SocketClient.frame(8, [3, 0xE8]) + SocketClient.frame(9, [1]), 1000),
            (SocketClient.frame(8, [3, 0xE8]) + SocketClient.frame(1, [0x61]), 1000),
            (
                SocketClient.frame(1, [0x61], final: false) + SocketClient.frame(8, [3, 0xE8]) + SocketClient.frame(0, [0x62]),
                1000
            ),
        ]
        let (sent, code) = cases[number]
        let backend = TestBackend()
        try await withSocket(backend, limits: Self.patient) { port in
            let client = try await SocketClient.connect(port)
            try await client.raw.send(sent)
            let frame = try await client.next()
            #expect(frame.opcode == 8 && frame.code == code)
            try await ended(client, "case \(number)")
            #expect(client.raw.received.isEmpty, "nothing comes after the close")
            try await eventually("workers hear the end") { backend.events.count == 2 }
            await client.raw.close()
        }
    }

    @Test("7.7, 7.9: codes that may be sent are answered with the same, others with 1002, and TCP ends at once")
    func codes() async throws {
        let good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
        let bad = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535]
        try await withSocket(TestBackend(), limits: Self.patient) { port in
            for code in good + bad {
                let client = try await SocketClient.connect(port)
                try await client.close(UInt16(code))
                #expect(try await client.closed() == (good.contains(code) ? code : 1002), "\(code)")
                try await ended(client, "code \(code)")
                await client.raw.close()
            }
        }
    }

    @Test("After a protocol error and the client's own close, TCP ends at once", arguments: [true, false])
    func errors(_ answers: Bool) async throws {
        let backend = TestBackend()
        try await withSocket(backend, limits: Self.patient) { port in
            for (bytes, code) in SocketTests.wrong {
                let client = try await SocketClient.connect(port)
                try await client.raw.send(bytes)
                #expect(try await client.closed() == code)
                if answers { try? await client.close(UInt16(code)) }
                try await ended(client, "\(bytes.prefix(20))")
                await client.raw.close()
            }
        }
    }

    @Test("A worker's close ends TCP as soon as the browser has answered it")
    func workers() async throws {
        let backend = TestBackend { line, event in
            if case .open = event { line.reply() } else { line.reply(.close(CloseCode(rawValue: 4001), "")) }
        }
        try await withSocket(backend, limits: Self.patient) { port in
            let client = try await SocketClient.connect(port)
            try await client.send("x")
            #expect(try await client.next().code == 4001)
            #expect(!client.raw.isClosed)
            // What was on its way is dropped, and does not hold up the close behind it.
            try await client.send("y")
            try await client.close(4001)
            try await ended(client, "a worker's close")
            #expect(backend.events.filter { $0.hasPrefix("text") } == ["text x"])
        }
    }

    @Test("Text is checked in linear time, also byte by byte, and as a whole check would")
    func incremental() throws {
        var random = SeededRandom(13)
        let pieces: [[UInt8]] = [
            Array("ascii".utf8), Array("é".utf8), Array("€".utf8), Array("𝄞".utf8), [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
            [0xF4, 0x8F, 0xBF, 0xBF], [0xE0, 0xA0, 0x80], [0x80], [0xC1, 0x81], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xE2, 0x82], [0xF0, 0x9D, 0x84], [0xFF],
        ]
        for _ in 0..<3000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...6, using: &random) { bytes += pieces.randomElement(using: &random) ?? [] }
            var check = TextCheck()
            var (isGood, rest) = (true, bytes[...])
            while isGood, !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 1...7, using: &random)))
                rest = rest.dropFirst(piece.count)
                isGood = piece.withUnsafeBytes { check.add($0) }
            }
            #expect((isGood && check.isWhole) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
            // As early as can be: what was let through can be gone on with.
            if isGood, !check.isWhole {
                let endings: [[UInt8]] = [[0x80], [0x80, 0x80], [0x80, 0x80, 0x80], [0xBF], [0xBF, 0xBF], [0x90, 0x80, 0x80]]
                #expect(endings.contains { String(validating: bytes + $0, as: UTF8.self) != nil }, "\(bytes)")
            }
        }
    }
}

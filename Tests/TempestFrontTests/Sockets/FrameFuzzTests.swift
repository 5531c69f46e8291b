import NIOCore
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized) struct FrameFuzzTests {
    /// Splits and mutations of sound conversations: a reader never traps, never keeps more than its limits, and reads what is sound
    /// alike however it is cut.
    @Test func whateverBytesComeTheReaderStands() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("FrameFuzzTests seed: \(seed)")
        var random = SeededRandom(seed)
        for _ in 0..<3000 {
            var limits = SocketLimits()
            (limits.frame, limits.message) = (300, 700)
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let opcode = [0, 1, 2, 8, 9, 10, UInt8.random(in: 0...15, using: &random)].randomElement(using: &random) ?? 1
                let payload = (0..<([0, 1, 2, 5, 125, 126, 299, 301].randomElement(using: &random) ?? 0)).map { _ in
                    UInt8.random(in: 0x20...0x7E, using: &random)
                }
                bytes += SocketClient.frame(opcode, payload, final: Bool.random(using: &random))
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = Self.read(bytes, limits) { _ in bytes.count }
            let pieces = Self.read(bytes, limits) { _ in Int.random(in: 1...9, using: &random) }
            #expect(whole == pieces, "seed \(seed), bytes \(bytes)")
        }
    }

    private static func read(_ bytes: [UInt8], _ limits: SocketLimits, _ size: (Int) -> Int) -> [String] {
        var reader = SocketReader(limits: limits)
        var events: [String] = []
        var rest = bytes[...]
        do throws(SocketProblem) {
            while !rest.isEmpty {
                let piece = rest.prefix(size(rest.count))
                rest = rest.dropFirst(piece.count)
                reader.add(ByteBuffer(bytes: piece))
                while let event = try reader.next() { events.append("\(event)") }
            }
        } catch { events.append("\(error)") }
        return events
    }

    @Test func whateverBytesComeTheFrontStands() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("FrameFuzzTests seed on sockets: \(seed)")
        let backend = TestBackend()
        var limits = SocketLimits()
        limits.close = .milliseconds(100)
        try await withSocket(backend, limits: limits) { port in
            var random = SeededRandom(seed)
            for _ in 0..<40 {
                let client = try await SocketClient.connect(port)
                let bytes = (0..<Int.random(in: 1...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                try? await client.raw.send(bytes)
                await client.raw.close()
            }
            let client = try await SocketClient.connect(port)
            try await client.send("still there")
            #expect(try await client.next().text == "still there")
            // Each connection that opened has ended, but for the last.
            try await eventually("all have ended") { backend.events.count { $0.hasPrefix("close ") } == 40 }
        }
    }
}

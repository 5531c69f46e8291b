// Our MessagePack against libmsgpack, and our UTF-8 against the standard library's.
// Whatever ours do faster, they must do alike.

import Testing

@testable import TempestCodecs

@Suite("Held against the references")
struct ReferenceTests {
    private let seed = UInt64.random(in: 0 ... .max)

    /// A value of every kind and size of header.
    private func value(_ random: inout SeededRandom, depth: Int) -> Value {
        switch random.next() % (depth > 0 ? 12 : 9) {
        case 0: return .null
        case 1: return .bool(random.next() % 2 == 0)
        case 2: return Value(Int64(bitPattern: random.next()) >> Int64(random.next() % 64))
        case 3: return Value(random.next() >> (random.next() % 64))
        case 4: return .double(Double(Int64(bitPattern: random.next())) / 1024)
        case 5: return .text(String(repeating: "aé日😀".randomElement(using: &random) ?? "a", count: Int(random.next() % 40)))
        case 6: return .binary([UInt8](repeating: 0xFE, count: Int(random.next() % 300)))
        case 7:
            return .ext(
                type: Int8(truncatingIfNeeded: random.next()), data: [UInt8](repeating: 1, count: Int(random.next() % 20)))
        case 8: return .text(String(repeating: "x", count: [31, 32, 255, 256, 65_535, 65_536][Int(random.next() % 6)]))
        case 9, 10: return .array((0..<random.next() % 20).map { _ in value(&random, depth: depth - 1) })
        default:
            return .map(ValueMap((0..<random.next() % 20).map { ("key \($0)", value(&random, depth: depth - 1)) }))
        }
    }

    @Test("MessagePack is written byte for byte as libmsgpack writes it, and read as it reads it")
    func messagePack() throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<600 {
            let value = value(&random, depth: 4)
            let bytes = try MessagePackCodec().encode(value)
            try #require(MessagePackReference.bytes(value) == bytes, "seed \(seed)")
            try #require(MessagePackReference.value(bytes) == value, "seed \(seed)")
            try #require(try MessagePackCodec().value(bytes) == value, "seed \(seed)")
        }
    }

    @Test("Containers of every size of header are written as libmsgpack writes them", arguments: [15, 16, 65_535, 65_536])
    func sizes(_ count: Int) throws {
        let array = Value.array([Value](repeating: 1, count: count))
        #expect(MessagePackReference.bytes(array) == (try MessagePackCodec().encode(array)))
        let map = Value.map(ValueMap((0..<count).map { ("\($0)", .null) }))
        #expect(MessagePackReference.bytes(map) == (try MessagePackCodec().encode(map)))
    }

    @Test("Bytes are UTF-8 exactly when the standard library says so, wherever the fault lies")
    func utf8() throws {
        var random = SeededRandom(seed: seed)
        let pieces: [[UInt8]] = [
            Array("plain".utf8), Array("é".utf8), Array("日本".utf8), Array("😀".utf8), [0xC0, 0x80], [0xC1, 0xBF],
            [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEF, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xBF], [0xC3], [0xE6, 0x97], [0xF0, 0x9F, 0x98], [0xFF],
            [0x00],
        ]
        var valid = 0
        for _ in 0..<12_000 {
            var bytes: [UInt8] = []
            let count = Int(random.next() % 24)
            let faults = random.next() % 3 == 0
            for _ in 0..<count { bytes += pieces[Int(random.next() % (faults ? 21 : 4))] }
            if random.next() % 8 == 0, !bytes.isEmpty { bytes[Int(random.next() % UInt64(bytes.count))] ^= 0x80 }
            let wanted = String(validating: bytes, as: UTF8.self) != nil
            if wanted { valid += 1 }
            let check = bytes.withUnsafeBytes { UTF8Check.check($0) }
            try #require((check != .invalid) == wanted, "\(bytes), seed \(seed)")
            try #require((check == .ascii) == bytes.allSatisfy { $0 < 0x80 }, "\(bytes), seed \(seed)")
        }
        #expect(valid > 300)
    }

    @Test("Strings of up to 15 bytes are made as the standard library makes them")
    func smallTexts() {
        #expect(SmallText.isKnownLayout)
        for text in [
            "", "a", "é", "seven b", "eight by", "fourteen bytes", "fifteen letters", "sixteen letters!", "日本語日本", "\u{0}",
        ] {
            let bytes = Array(text.utf8)
            let isASCII = bytes.allSatisfy { $0 < 0x80 }
            for packs in [true, false] {
                let made = bytes.withUnsafeBytes { raw in
                    SmallText.string(
                        raw.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, count: raw.count, isASCII: isASCII, packs: packs)
                }
                #expect(made == text)
                #expect(made.hashValue == text.hashValue)
                #expect(Array(made.utf8) == bytes)
            }
        }
    }
}

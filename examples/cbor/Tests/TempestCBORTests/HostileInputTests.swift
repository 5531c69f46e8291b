// Bytes that somebody made to hurt, and the limits.
// They end in an error that names the byte, quickly and without much memory.

import TempestCBOR
import TempestCodecs
import Testing

@Suite("Hostile bytes")
struct HostileInputTests {
    @Test(
        "A few bytes that claim more than is left are refused at once",
        arguments: [
            "9bffffffffffffffff", "9b7fffffffffffffff", "bbffffffffffffffff", "bb7fffffffffffffff", "bb8000000000000000",
            "5bffffffffffffffff", "7b7fffffffffffffff", "7f7bffffffffffffffff", "9aff000000", "baff000000", "5aff000000",
            // Each fits by itself; together they claim more than there is.
            "8283010203", "83626161 01", "819a0000000201", "9f81ff", "9f8201ff", "9f62616101", "82 9f01 01", "82 7f6161 01",
        ])
    func claims(_ digits: String) {
        #expect(refusal { try CBORCodec().parse(hex(digits)) }?.code == .claim)
    }

    @Test("A long row of heads that all claim the rest is refused where the second one begins")
    func nestedClaims() {
        let bytes =
            [UInt8](repeating: 0, count: 60).flatMap { _ in hex("997fff") } + [UInt8](repeating: 0, count: 40_000)
        let error = refusal { try CBORCodec().parse(bytes) }
        #expect(error?.code == .claim && error?.offset == 3)
    }

    @Test("A million containers in each other are refused without recursion", arguments: ["81", "9f", "a16161", "bf6161"])
    func depth(_ opening: String) {
        let bytes = Array([[UInt8]](repeating: hex(opening), count: 1_000_000).joined())
        let error = refusal { try CBORCodec().parse(bytes) }
        #expect(error?.code == .depth && error?.offset == 64 * hex(opening).count)
    }

    @Test("A million values are read and written, one more is refused")
    func values() throws {
        let most = Value.array([Value](repeating: 1, count: 999_999))
        let bytes = try CBORCodec().encode(most)
        #expect(try CBORCodec().parse(bytes).root.count == 999_999)
        #expect(try CBORCodec().parse([0x9F] + [UInt8](repeating: 1, count: 999_999) + [0xFF]).root.count == 999_999)
        #expect(refusal { try CBORCodec().parse([0x9F] + [UInt8](repeating: 1, count: 1_000_000) + [0xFF]) }?.code == .values)
        #expect(refusal { try CBORCodec().encode(Value.array([Value](repeating: 1, count: 1_000_000))) }?.code == .values)
        #expect(try CBORCodec().value(hex("a2 6161 01 6162 02"), limits: Limits(values: 5)) == ["a": 1, "b": 2])
        #expect(refusal { try CBORCodec().parse(hex("a2 6161 01 6162 02"), limits: Limits(values: 4)) }?.code == .values)
    }

    @Test("The limit of bytes holds to the byte, reading and writing")
    func size() throws {
        let value: Value = ["abc", [1, -2.5, 0.1, 1e300], ["k": .binary([1, 0xFF])], nil, [], 70000]
        let bytes = try CBORCodec().encode(value)
        #expect(try CBORCodec().encode(value, limits: Limits(bytes: bytes.count)) == bytes)
        #expect(try CBORCodec().value(bytes, limits: Limits(bytes: bytes.count)) == value)
        for count in 0..<bytes.count {
            #expect(refusal { try CBORCodec().encode(value, limits: Limits(bytes: count)) }?.code == .size, "\(count)")
        }
        #expect(refusal { try CBORCodec().parse(bytes, limits: Limits(bytes: bytes.count - 1)) }?.code == .size)
        #expect(refusal { try CBORCodec().parse([UInt8](repeating: 0, count: 16 << 20 + 1)) }?.code == .size)
    }

    @Test(
        "What no codec lets through is refused here too",
        arguments: [
            ("a2 6161 01 6161 02", .duplicateKey, 4), ("a1 4161 01", .text, 1), ("bf 5f4161ff 01 ff", .text, 1),
            ("61ff", .text, 0),
            ("a1 61ff 01", .text, 1), ("62c080", .text, 0), ("63eda080", .text, 0), ("64f4908080", .text, 0),
            ("0000", .trailing, 1),
            ("9fff00", .trailing, 2), ("d9d9f7", .syntax, 3), ("d9d9f7d9d9f700", .syntax, 3), ("81d9d9f700", .syntax, 1),
            ("da0000d9f700", .syntax, 0), ("3b8000000000000000", .number, 0), ("a1 f6 01", .text, 1), ("a1 80 01", .text, 1),
        ] as [(String, CodecError.Code, Int)])
    func refusals(_ digits: String, _ code: CodecError.Code, _ offset: Int) {
        let error = refusal { try CBORCodec().parse(hex(digits)) }
        #expect(error?.code == code && error?.offset == offset, "\(String(describing: error))")
    }

    @Test("A writer refuses what is no document")
    func writer() throws {
        func write(_ body: (inout CBORWriter) throws -> Void) -> CodecError.Code? {
            refusal {
                var writer = CBORCodec().makeWriter(limits: .standard)
                try body(&writer)
                return try CBORCodec().finish(writer)
            }?.code
        }
        #expect(write { try $0.null() } == nil)
        #expect(write { _ in } == .syntax)
        #expect(
            write {
                try $0.null(); try $0.null()
            } == .trailing)
        #expect(write { try $0.double(.nan) } == .number)
        #expect(write { try $0.double(-.infinity) } == .number)
        #expect(
            write {
                try $0.beginArray(count: 2); try $0.null(); try $0.endArray()
            } == .syntax)
        #expect(
            write {
                try $0.beginArray(count: 0); try $0.null()
            } == .syntax)
        #expect(write { try $0.beginArray(count: -1) } == .syntax)
        #expect(
            write {
                try $0.beginMap(count: 1); try $0.null()
            } == .syntax)
        #expect(
            write {
                try $0.beginMap(count: 1); try $0.key("a"); try $0.endMap()
            } == .syntax)
        #expect(write { writer in try [0xFF as UInt8].withUnsafeBytes { try writer.text(utf8: $0) } } == .text)
    }

    /// Documents of every kind of head.
    static let samples = ["83010203", "a26161fb3ff199999999999a6162f6", "9f7f6161ff5f4101ffbf6161f4fffa47c35000f93e00391000ff"]
        .map { tag + hex($0) }

    @Test("A document that is cut anywhere is refused", arguments: samples)
    func truncation(_ bytes: [UInt8]) throws {
        #expect(try CBORCodec().parse(bytes).root.count > 0)
        for count in 0..<bytes.count {
            #expect(refusal { try CBORCodec().parse(Array(bytes.prefix(count))) } != nil, "\(count) bytes")
        }
    }

    @Test("Noise never crashes, and what is accepted is written and read as the same value")
    func noise() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        // Heads that lead somewhere are likelier than by chance.
        let alphabet: [UInt8] = Array(0...255) + Array(hex("80818283 a0a1a2 9f9fbfbf 5f7f ffffffff 606161 f4f5f6 f9fafb 1819 01"))
        var accepted = 0
        for round in 0..<100_000 {
            var bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            if round % 2 == 1 {
                // A valid document with a few bytes changed comes further than noise does.
                bytes = Self.samples.randomElement(using: &random) ?? []
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = alphabet.randomElement(using: &random) ?? 0
                }
            }
            guard let value = try? CBORCodec().value(bytes) else { continue }
            accepted += 1
            let written = try CBORCodec().encode(value)
            #expect(identical(try CBORCodec().value(written), value), "seed \(seed), round \(round)")
        }
        #expect(accepted > 1_000)
    }
}

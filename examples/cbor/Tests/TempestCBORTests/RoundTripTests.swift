// Values and types through CBOR and back; the bytes that are written.
// What comes out is what went in, in the same order.

import TempestCBOR
import TempestCodecs
import Testing

@Suite("Round trips")
struct RoundTripTests {
    struct Sample: Codable, Equatable {
        struct Part: Codable, Equatable { var name: String; var sizes: [UInt16] }
        var text = "Zo\u{EB} \u{1F600}"
        var lowest = Int64.min
        var largest = UInt64.max
        var tenth = 0.1
        var half: Float = -0.5
        var isOn = true
        var absent: Int?
        var bytes: Bytes = [0, 255]
        var parts = ["b": [Part(name: "p", sizes: [0, 65535])], "a": []]
        var anything: Value = ["k": [1, 2.5, nil], "raw": .binary([1])]
    }

    @Test("Codable types go through CBOR with nothing of their own")
    func codable() throws {
        let sample = Sample()
        #expect(try CBORCodec().decode(Sample.self, from: CBORCodec().encode(encoding: sample)) == sample)
    }

    @Test("Values by chance come back as they were, from here and by way of MessagePack", arguments: [1, 20, 300] as [UInt64])
    func values(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for round in 0..<300 {
            let value = random.value(depth: 4)
            let bytes = try CBORCodec().encode(value)
            #expect(identical(try CBORCodec().value(bytes), value), "seed \(seed), round \(round)")
            // A node is written as the value is.
            #expect(try CBORCodec().encode(CBORCodec().parse(bytes).root) == bytes, "seed \(seed), round \(round)")
            let other = try MessagePackCodec().encode(CBORCodec().parse(bytes).root)
            #expect(try CBORCodec().encode(MessagePackCodec().parse(other).root) == bytes, "seed \(seed), round \(round)")
        }
    }

    @Test("Every float of 16 bits is read as the hardware reads it, and written in 16 bits")
    func halves() throws {
        for bits in UInt16.min...UInt16.max {
            let bytes: [UInt8] = [0xF9, UInt8(bits >> 8), UInt8(bits & 0xFF)]
            guard bits & 0x7C00 != 0x7C00 else {
                #expect(refusal { try CBORCodec().parse(bytes) }?.code == .number)
                continue
            }
            let value = try CBORCodec().value(bytes)
            #if !(os(macOS) && arch(x86_64))
            #expect(value.asDouble?.bitPattern == Double(Float16(bitPattern: bits)).bitPattern)
            #endif
            #expect(try CBORCodec().encode(value) == tag + bytes)
        }
    }

    @Test("Floats by chance keep their bits, in the shortest form that holds them")
    func floats() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<20_000 {
            let single = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            let double = Double(bitPattern: random.next())
            for value in [Double(single), double] where value.isFinite {
                let bytes = try CBORCodec().encode(.double(value) as Value)
                #expect(try CBORCodec().value(bytes).asDouble?.bitPattern == value.bitPattern)
                #expect(bytes.count <= (Float(exactly: value) == nil ? 12 : 8), "\(value) took \(bytes.count) bytes")
            }
        }
    }

    @Test(
        "Heads are written in the fewest bytes, on both sides of every border",
        arguments: [
            (Value(23), "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (65535, "19ffff"), (65536, "1a00010000"),
            (Value(UInt32.max), "1affffffff"), (Value(UInt64(UInt32.max) + 1), "1b0000000100000000"),
            (Value(Int64.max), "1b7fffffffffffffff"), (Value(UInt64(Int64.max) + 1), "1b8000000000000000"),
            (-24, "37"), (-25, "3818"), (-256, "38ff"), (-257, "390100"), (Value(Int64.min), "3b7fffffffffffffff"),
        ] as [(Value, String)])
    func heads(_ value: Value, _ digits: String) throws {
        #expect(try CBORCodec().encode(value) == tag + hex(digits))
        #expect(try CBORCodec().value(hex(digits)) == value)
    }

    @Test(
        "Longer heads than needed are read",
        arguments: [
            ("1800", 0), ("190017", 23), ("1a00000000", 0), ("1b0000000000000001", 1), ("3b0000000000000000", -1),
            ("780161", "a"), ("79000161", "a"), ("580161", .binary([0x61])), ("9b000000000000000101", [1]),
            ("ba00000001616101", ["a": 1]),
            ("fb3ff0000000000000", 1.0), ("fa3f800000", 1.0),
        ] as [(String, Value)])
    func longHeads(_ digits: String, _ value: Value) throws {
        #expect(try CBORCodec().value(hex(digits)) == value)
    }

    @Test("Canonical bytes do not depend on the order of keys")
    func canonical() throws {
        let one: Value = ["bb": 1, "a": ["y": 1, "x": 2], "c": nil]
        let other: Value = ["c": nil, "a": ["x": 2, "y": 1], "bb": 1]
        let bytes = try CBORCodec().encode(one, canonical: true)
        #expect(try CBORCodec().encode(other, canonical: true) == bytes)
        // By the bytes of the keys, as in all codecs of Tempest: not the shorter ones first, as RFC 8949 section 4.2.1 has it.
        #expect(bytes == tag + hex("a3 6161 a2 6178 02 6179 01 626262 01 6163 f6"))
    }

    @Test("Strings in chunks are joined, as text, as bytes and as keys")
    func chunks() throws {
        #expect(try CBORCodec().value(hex("7fff")) == "")
        #expect(try CBORCodec().value(hex("5fff")) == .binary([]))
        #expect(try CBORCodec().value(hex("7f60 62c3bc 60 6161ff")) == "\u{FC}a")
        #expect(try CBORCodec().value(hex("bf 7f6161 6162ff 01 6163 02 ff")) == ["ab": 1, "c": 2])
        #expect(refusal { try CBORCodec().parse(hex("7f61c3 61bcff")) }?.code == .text, "a character is cut in two")
        #expect(refusal { try CBORCodec().parse(hex("7f61c3ff")) }?.code == .text)
        #expect(refusal { try CBORCodec().parse(hex("bf 6161 01 7f6161ff 02 ff")) }?.code == .duplicateKey)
    }
}

// Programs that catch an error of a writer or encoder and go on: what comes out is whole, or refused.
// Nothing that was refused may be left in it, and nothing may be read or written beyond its memory.

import TempestCodecs
import Testing

@Suite("Errors that a program swallows")
struct SwallowedErrorTests {
    private struct Broken: Encodable {
        func encode(to encoder: any Encoder) throws {
            var map = encoder.container(keyedBy: Key.self)
            try map.encode([1, 2], forKey: .first)
            var list = map.nestedUnkeyedContainer(forKey: .second)
            try list.encode("x")
            try map.encode(Double.nan, forKey: .third)
        }
    }

    private enum Key: CodingKey {
        case first, second, third, fourth
    }

    private struct Swallowing: Encodable {
        func encode(to encoder: any Encoder) throws {
            var map = encoder.container(keyedBy: Key.self)
            try map.encode(1, forKey: .first)
            try? map.encode(Broken(), forKey: .second)
            try? map.encode(Double.infinity, forKey: .third)
            try? map.encode([1.0, .nan], forKey: .third)
            try map.encode("end", forKey: .fourth)
        }
    }

    private struct SwallowingList: Encodable {
        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            try? list.encode([1.0, .nan])
            try list.encode(1)
            try? list.encode(Broken())
            try? list.encode([Broken()])
            try list.encode([2])
        }
    }

    /// Two maps at one place: the first was given up after it had nested containers.
    private struct SwallowingNested: Encodable {
        struct Half: Encodable {
            let keys: [Key]
            let fails: Bool
            func encode(to encoder: any Encoder) throws {
                var map = encoder.container(keyedBy: Key.self)
                for key in keys {
                    var nested = map.nestedContainer(keyedBy: Key.self, forKey: key)
                    try nested.encode(key.stringValue, forKey: .first)
                }
                if fails { throw EncodingError.invalidValue(0, .init(codingPath: [], debugDescription: "given up")) }
            }
        }

        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            try? list.encode(Half(keys: [.first, .second], fails: true))
            try list.encode(Half(keys: [.second, .first, .third], fails: false))
        }
    }

    private struct SwallowingScalar: Encodable {
        func encode(to encoder: any Encoder) throws {
            var single = encoder.singleValueContainer()
            try? single.encode(Double.nan)
        }
    }

    @Test("What an encoder refused leaves nothing behind, and the rest is there", arguments: allCodecs)
    func encoders(_ codec: any Codec) throws {
        #expect(try codec.value(try codec.encode(encoding: Swallowing())) == ["first": 1, "fourth": "end"])
        #expect(try codec.value(try codec.encode(encoding: SwallowingList())) == [1, [2]])
        #expect(
            try codec.value(try codec.encode(encoding: SwallowingNested()))
                == [["second": ["first": "second"], "first": ["first": "first"], "third": ["first": "third"]]])
        #expect(throws: EncodingError.self) { try codec.encode(encoding: SwallowingScalar()) }
        #expect(throws: EncodingError.self) { try codec.encode(encoding: ["key": SwallowingScalar()]) }
        var buffer = TokenBuffer()
        try buffer.encode(Swallowing())
        try buffer.encode(SwallowingList())
        #expect(buffer.count == 2)
    }

    @Test("A writer that has refused a token refuses all that follow, and its end", arguments: allCodecs)
    func writers(_ codec: any Codec) {
        struct Stubborn: TokenWritable {
            func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
                try writer.beginArray(count: 2)
                try? writer.write([1.0, .nan])
                try? writer.int(1)
                try? writer.int(2)
                try? writer.endArray()
            }
        }
        #expect(refusal { try codec.encode(Stubborn()) }?.code == .syntax)
    }

    @Test("A copy of a writer that is kept writes into no other's memory", arguments: allCodecs)
    func copies(_ codec: any Codec) throws {
        struct Copying: TokenWritable {
            func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
                try writer.beginArray(count: 2)
                var copy = writer
                try copy.text(String(repeating: "c", count: 100_000))
                try writer.text(String(repeating: "w", count: 200_000))
                try copy.text("after")
                try writer.text("end")
                try writer.endArray()
            }
        }
        #expect(try codec.value(try codec.encode(Copying()))[1] == "end")
    }

    @Test("A recording that refused something can go on: limits are asked before anything is counted")
    func recordings() throws {
        var limits = Limits(depth: 1, values: 12, bytes: 3)
        var buffer = TokenBuffer(limits: limits)
        try buffer.beginArray(count: 3)
        #expect(refusal { try buffer.beginArray(count: 1) }?.code == .depth)
        #expect(refusal { try buffer.text("four") }?.code == .size)
        try buffer.text("abc")
        #expect(throws: EncodingError.self) { try buffer.encode([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) }
        try buffer.int(1)
        try buffer.bool(true)
        try buffer.endArray()
        limits = .standard
        #expect(try JSONCodec().value(try JSONCodec().encode(buffer)) == ["abc", 1, true])
    }

    @Test("A builder refuses ranges that are not in its source, and goes on after a refusal")
    func builders() throws {
        var builder = try DocumentBuilder(source: [1, 2, 3], limits: Limits(depth: 1), codec: "test")
        try builder.beginArray(at: 0)
        #expect(refusal { try builder.beginArray(at: 1) }?.code == .depth)
        #expect(refusal { try builder.binary(0..<4000, at: 1) }?.code == .claim)
        #expect(refusal { try builder.text(2..<4, at: 1) }?.code == .claim)
        #expect(refusal { try builder.ext(type: 1, 3..<4, at: 1) }?.code == .claim)
        try builder.int(5, at: 2)
        try builder.endArray(at: 2)
        #expect(try builder.finish().root.value == [5])
    }

    @Test("Limits that are beyond reason become the largest that are not")
    func limits() throws {
        var limits = Limits(depth: .max, values: .max, bytes: .max)
        (limits.depth, limits.values, limits.bytes) = (.max, .max, .max)
        #expect(limits == Limits(depth: 1000, values: 2_000_000_000, bytes: Int(UInt32.max) - 1024))
        #expect(try JSONCodec().value(Array("[1]".utf8), limits: limits) == [1])
        #expect(Limits(depth: -1, values: -1, bytes: -1) == Limits(depth: 0, values: 0, bytes: 0))
    }

    @Test("Trying types one after the other costs no more at the end of a long array than at its beginning")
    func alternatives() throws {
        enum Either: Decodable, Equatable {
            case int(Int), text(String)
            init(from decoder: any Decoder) throws {
                let single = try decoder.singleValueContainer()
                if let int = try? single.decode(Int.self) {
                    self = .int(int)
                } else {
                    self = .text(try single.decode(String.self))
                }
            }
        }
        // Twenty thousand took a second when every error walked from the beginning; a hundred thousand would take half a minute.
        let count = 100_000
        let bytes = try JSONCodec().encode(Value.array([Value](repeating: "a", count: count)))
        let start = ContinuousClock.now
        #expect(try JSONCodec().decode([Either].self, from: bytes) == [Either](repeating: .text("a"), count: count))
        #expect(start.duration(to: .now) < .seconds(12))
    }
}

import TempestCodecs
import Testing

@Suite("Numbers of types other than Int and Double")
struct NumberTypesTests {
    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONCodec().encode(encoding: value), as: UTF8.self)
    }

    private func decode<T: Decodable>(_ type: T.Type, _ json: String) throws -> T {
        try JSONCodec().decode(type, from: Array(json.utf8))
    }

    @Test("A Float is written with the fewest digits of its type, alone, in arrays, maps and types that write themselves")
    func floats() throws {
        struct Own: TokenWritable {
            func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try Float(0.1).write(to: &writer) }
        }
        struct Record: Encodable { var x: Float = 0.1 }
        #expect(try json(Float(0.1)) == "0.1")
        #expect(
            try json([Float(0.1), 16_777_216, -0.0, .greatestFiniteMagnitude, .leastNonzeroMagnitude])
                == "[0.1,16777216.0,-0.0,3.4028235e+38,1.0e-45]")
        #expect(try json(Record()) == #"{"x":0.1}"#)
        #expect(String(decoding: try JSONCodec().encode(Own()), as: UTF8.self) == "0.1")
        #expect(throws: EncodingError.self) { try json(Float.nan) }
        #expect(throws: EncodingError.self) { try json([Float.infinity]) }
    }

    @Test("Any Float comes back as it was", arguments: allCodecs)
    func anyFloat(_ codec: any Codec) throws {
        var random = SeededRandom(seed: 7)
        let floats = (0..<20_000).map { _ in Float(bitPattern: UInt32.random(in: 0..<0x7F80_0000, using: &random)) }
        #expect(try codec.decode([Float].self, from: codec.encode(encoding: floats)) == floats)
    }

    @Test(
        "Text is rounded to a Float once, also where the double next to it is in the middle of two",
        arguments: [
            "1.00000017881393432617187499", "1.00000017881393432617187500", "1.00000017881393432617187501", "16777217",
            "-16777217.0",
        ])
    func once(_ text: String) throws {
        #expect(try decode(Float.self, text) == Float(text))
        #expect(try decode([Float].self, "[0, \(text) ]") == [0, Float(text)])
        #expect(try Float(reading: JSONCodec().parse(Array(text.utf8)).root) == Float(text))
        let net = text.contains(".") ? "\(text.utf8.count):\(text)^" : "\(text.utf8.count):\(text)#"
        #expect(try TNetstringCodec().decode(Float.self, from: Array(net.utf8)) == Float(text))
    }

    @Test("Integers of 128 bits are written and read where they fit", arguments: allCodecs)
    func wide(_ codec: any Codec) throws {
        struct Record: Codable, Equatable {
            var a: Int128 = .init(Int64.min)
            var b: UInt128 = .init(UInt64.max)
            var c: [Int128] = [5, -5]
            var d: Int128?
        }
        #expect(try codec.decode(Record.self, from: codec.encode(encoding: Record())) == Record())
        #expect(try codec.value(codec.encode(encoding: Int128(5))) == 5)
        for large in [Int128(UInt64.max) + 1, Int128(Int64.min) - 1, .max] {
            #expect(throws: EncodingError.self) { try codec.encode(encoding: [large]) }
        }
        #expect(throws: EncodingError.self) { try codec.encode(encoding: ["a": UInt128.max]) }
        #expect(throws: DecodingError.self) { try codec.decode(UInt128.self, from: codec.encode(encoding: -1)) }
    }

    @Test("An integral float is taken for an integer below 2^53, where it is one")
    func integral() throws {
        #expect(try decode(Int.self, "9007199254740991.0") == 9_007_199_254_740_991)
        #expect(try decode(Int64.self, "-9007199254740991.0") == -9_007_199_254_740_991)
        for text in ["9007199254740993.0", "9007199254740992.0", "-9007199254740992.0", "1e18", "1e300"] {
            #expect(throws: DecodingError.self) { try decode(Int64.self, text) }
            #expect(throws: DecodingError.self) { try Int(reading: JSONCodec().parse(Array(text.utf8)).root) }
        }
        #expect(try decode(Int64.self, "9007199254740993") == 9_007_199_254_740_993)
    }

    @Test("Two keys of a dictionary that are the same text in other bytes are refused, not lost")
    func canonicallyEqual() throws {
        let twice = #"{"a":{"\u00e9":1,"e\u0301":2}}"#
        let error = #expect(throws: DecodingError.self) { try decode([String: [String: Int]].self, twice) }
        guard case .dataCorrupted(let context)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(context.codingPath.map(\.stringValue) == ["a"])
        let node = try JSONCodec().parse(Array(twice.utf8)).root
        #expect(throws: DecodingError.self) { try [String: [String: Int]](reading: node) }
        #expect(try decode([String: Int].self, #"{"\u00e9":1,"e":2}"#) == ["é": 1, "e": 2])
        #expect(node.value["a"]?.asMap?.count == 2, "a Value holds both")
        // One of the two may be ASCII, the values may be wrong besides, and the keys may be of another type.
        for document in [#"{"K":1,"\u212A":2}"#, #"{"\u212A":1,"K":2}"#, #"{";":1,"\u037E":2}"#, #"{"\u00e9":1,"e\u0301":"x"}"#] {
            let error = #expect(throws: DecodingError.self) { try decode([String: Int].self, document) }
            guard case .dataCorrupted? = error else { return #expect(Bool(false), "\(document): \(String(describing: error))") }
            #expect(throws: DecodingError.self) { try [String: Value](reading: JSONCodec().parse(Array(document.utf8)).root) }
            #expect(throws: DecodingError.self) { try decode([Name: Value].self, document) }
        }
    }

    /// A key that is text in its own type: such dictionaries are read by the standard library.
    private struct Name: Codable, Hashable, CodingKeyRepresentable {
        var codingKey: any CodingKey
        init?<T: CodingKey>(codingKey: T) { self.codingKey = codingKey }
        init(from decoder: any Decoder) throws { throw CancellationError() }
        func encode(to encoder: any Encoder) throws {}
        static func == (left: Self, right: Self) -> Bool { left.codingKey.stringValue == right.codingKey.stringValue }
        func hash(into hasher: inout Hasher) { hasher.combine(codingKey.stringValue) }
    }
}

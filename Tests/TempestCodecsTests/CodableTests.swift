// Types through the codecs and back, and what a typed reader forgives.
// The coders are one for all codecs; each test runs with each of them.

import TempestCodecs
import Testing

@Suite("Codable")
struct CodableTests {
    @Test("A struct with every sort of field comes back as it was", arguments: allCodecs)
    func sample(_ codec: any Codec) throws {
        let sample = Sample()
        let bytes = try codec.encode(encoding: sample)
        let back = try codec.decode(Sample.self, from: bytes)
        #expect(back == sample)
        #expect(back.minusZero.sign == .minus)
    }

    @Test("Single values at the top work", arguments: allCodecs)
    func singles(_ codec: any Codec) throws {
        #expect(try codec.decode(Int.self, from: codec.encode(encoding: -5)) == -5)
        #expect(try codec.decode(String.self, from: codec.encode(encoding: "é")) == "é")
        #expect(try codec.decode(Bool?.self, from: codec.encode(encoding: Bool?.none)) == nil)
        #expect(try codec.decode(Float.self, from: codec.encode(encoding: Float(0.1))) == 0.1)
        #expect(try codec.decode([Double].self, from: codec.encode(encoding: [1.5, -2])) == [1.5, -2])
        #expect(try codec.decode([UInt8].self, from: codec.encode(encoding: [0xFF, 1] as [UInt8])) == [0xFF, 1])
        #expect(try codec.decode(Set<Int>.self, from: codec.encode(encoding: Set([3]))) == [3])
        #expect(try codec.decode([String: Value].self, from: codec.encode(encoding: ["a": 1 as Value])) == ["a": 1])
    }

    @Test("Bytes are written as binary and not as an array")
    func binary() throws {
        #expect(try MessagePackCodec().encode(encoding: [1, 2] as [UInt8]) == [0xC4, 2, 1, 2])
        #expect(try MessagePackCodec().encode(encoding: Bytes([1, 2])) == [0xC4, 2, 1, 2])
        #expect(try MessagePackCodec().encode(encoding: [[1] as [UInt8]]) == [0x91, 0xC4, 1, 1])
        #expect(try JSONCodec().encode(encoding: Bytes([0x68, 0x69])) == Array(#"{"$b64":"aGk="}"#.utf8))
    }

    @Test("Integral floats are integers and integers are floats, where a type asks for it")
    func numbers() throws {
        #expect(try decode(Int.self, "3.0") == 3)
        #expect(try decode(UInt64.self, "9.007199254740991e15") == 9_007_199_254_740_991)
        #expect(message { try decode(UInt64.self, "1e16") } == ": expected a number that fits UInt64, found 10000000000000000.0")
        #expect(try decode(Double.self, "3") == 3)
        #expect(try decode(Float.self, "18446744073709551615") == 0x1p64)
        #expect(try decode([Int].self, "[1,2.0]") == [1, 2])
        #expect(message { try decode(Int.self, "3.5") } == ": expected a number that fits Int, found 3.5")
        #expect(message { try decode(Int8.self, "128") } == ": expected a number that fits Int8, found 128")
        #expect(message { try decode(UInt.self, "-1") } == ": expected a number that fits UInt, found -1")
        #expect(message { try decode(Float.self, "1e300") } == ": expected a number that fits Float, found 1.0e+300")
    }

    @Test("Bytes are read from binary, text and arrays of integers; text from binary that is UTF-8")
    func bytes() throws {
        #expect(try decode([UInt8].self, #""hi""#) == Array("hi".utf8))
        #expect(try decode(Bytes.self, "[104,105.0]") == Bytes("hi".utf8))
        #expect(try decode(String.self, #"{"$b64":"aGk="}"#) == "hi")
        #expect(message { try decode(String.self, #"{"$b64":"/w=="}"#) } == ": expected text, found binary")
        #expect(message { try decode(Bytes.self, "[1,256]") } == "1: expected a number that fits UInt8, found 256")
    }

    @Test("Optionals are nil when they are missing and when they are null", arguments: ["{}", #"{"zip":null}"#])
    func optionals(_ json: String) throws {
        struct Holder: Decodable { var zip: UInt16? }
        struct Strict: Decodable {
            var zip: UInt16?
            enum CodingKeys: CodingKey { case zip }
            init(from decoder: any Decoder) throws {
                zip = try decoder.container(keyedBy: CodingKeys.self).decode(UInt16?.self, forKey: .zip)
            }
        }
        #expect(try decode(Holder.self, json).zip == nil)
        #expect(try decode(Strict.self, json).zip == nil)
    }

    @Test("A Value is a field like any other")
    func valueField() throws {
        struct Holder: Codable, Equatable { var any: Value; var more: [Value]? }
        let holder = Holder(any: ["a": [1, .binary([255])]], more: [nil, .ext(type: 3, data: [1])])
        #expect(try MessagePackCodec().decode(Holder.self, from: MessagePackCodec().encode(encoding: holder)) == holder)
        #expect(try decode(Holder.self, #"{"any":null}"#) == Holder(any: nil, more: nil))
    }

    @Test("A recording takes several values, and one that fails leaves nothing behind")
    func recording() throws {
        struct Bad: Encodable { var list = [1, .nan] }
        var buffer = TokenBuffer()
        try buffer.beginArray(count: 3)
        try buffer.encode(1)
        #expect(throws: EncodingError.self) { try buffer.encode(Bad()) }
        try buffer.encode(Address(street: "x", zip: 1, tags: [:]))
        try buffer.text("end")
        try buffer.endArray()
        #expect(try JSONCodec().value(JSONCodec().encode(buffer)) == [1, ["street": "x", "zip": 1, "tags": [:]], "end"])
    }

    @Test("A hundred thousand keys are decoded without a search through all of them for each")
    func manyKeys() throws {
        let count = 100_000
        let dictionary = Dictionary(uniqueKeysWithValues: (0..<count).map { ("key\($0)", $0) })
        let bytes = try JSONCodec().encode(encoding: dictionary)
        let start = ContinuousClock.now
        #expect(try JSONCodec().decode([String: Int].self, from: bytes) == dictionary)
        let time = ContinuousClock.now - start
        // Quadratic, it would be 5,000,000,000 comparisons: minutes.
        #expect(time < .seconds(20))
        let node = try JSONCodec().parse(bytes).root
        #expect(node["key99999"]?.int == 99_999)
        #expect(node["key100000"] == nil)
    }
}

func decode<T: Decodable>(_ type: T.Type, _ json: String) throws -> T {
    try JSONCodec().decode(type, from: Array(json.utf8))
}

/// The path and the message of a DecodingError or EncodingError: `a.0.b: expected text, found integer`.
func message<R>(_ body: () throws -> R) -> String? {
    do {
        _ = try body()
        return nil
    } catch let error as DecodingError {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            return text(context.codingPath, context.debugDescription)
        @unknown default: return "\(error)"
        }
    } catch EncodingError.invalidValue(_, let context) {
        return text(context.codingPath, context.debugDescription)
    } catch {
        return "\(error)"
    }
}

private func text(_ path: [any CodingKey], _ message: String) -> String {
    path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".") + ": " + message
}

// The vectors of protocol/vectors that concern codecs; every implementation runs the same.
// Where these and prose differ, these win.

import TempestCodecs
import Testing

@Suite("Vectors of the protocol")
struct VectorTests {
    static let codecs: [(any Codec, String)] = [
        (JSONCodec(), "json.json"), (MessagePackCodec(), "msgpack.json"), (TNetstringCodec(), "tnetstring.json"),
    ]

    @Test("Every value is written as the first encoding, and every encoding is read as the value", arguments: codecs)
    func valid(_ codec: any Codec, _ file: String) throws {
        for vector in try VectorFile(file).vectors("valid") {
            let name = vector["name"]?.asText ?? "?"
            let value = try VectorFile.value(vector["value"])
            let encodings = try (vector["encodings"]?.asArray ?? []).map { try VectorFile.bytes($0) }
            let first = try #require(encodings.first, "\(name) has no encoding")
            #expect(try codec.encode(value) == first, "\(name)")
            for (number, encoding) in encodings.enumerated() {
                do throws(CodecError) {
                    let read = try codec.value(encoding)
                    #expect(identical(read, value), "\(name), encoding \(number): read \(read), expected \(value)")
                } catch {
                    Issue.record("\(name), encoding \(number): \(error)")
                }
            }
        }
    }

    @Test("The canonical bytes are the ones that are given", arguments: codecs)
    func canonical(_ codec: any Codec, _ file: String) throws {
        var different = 0
        for vector in try VectorFile(file).vectors("valid") {
            let value = try VectorFile.value(vector["value"])
            let given = try VectorFile.bytes(vector["canonical"] ?? vector["encodings"]?[0])
            if vector["canonical"] != nil { different += 1 }
            #expect(try codec.encode(value, canonical: true) == given, "\(vector["name"]?.asText ?? "?")")
        }
        #expect(different > 0)
    }

    @Test("Documents that are invalid are refused", arguments: codecs)
    func invalid(_ codec: any Codec, _ file: String) throws {
        for vector in try VectorFile(file).vectors("invalid") {
            let bytes = try VectorFile.bytes(vector["bytes"])
            #expect(throws: CodecError.self, "\(vector["name"]?.asText ?? "?")") { try codec.parse(bytes) }
        }
    }

    @Test("Values that a codec has no form for are refused", arguments: codecs)
    func unencodable(_ codec: any Codec, _ file: String) throws {
        for vector in try VectorFile(file).vectors("unencodable") {
            let value = try VectorFile.value(vector["value"])
            #expect(throws: CodecError.self, "\(vector["name"]?.asText ?? "?")") { try codec.encode(value) }
        }
    }

    @Test("The limit of depth is where the vectors have it, reading and writing", arguments: codecs)
    func deep(_ codec: any Codec, _ file: String) throws {
        for vector in try VectorFile(file).vectors("deep") {
            let name = vector["name"]?.asText ?? "?"
            let bytes = try VectorFile.bytes(vector["bytes"])
            let depth = Int(try #require(vector["depth"]?.asInt))
            let isMap = vector["kind"]?.asText == "map"
            var value: Value = isMap ? [:] : []
            for _ in 1..<depth { value = isMap ? ["k": value] : [value] }
            if vector["accepted"]?.asBool == true {
                #expect(try codec.value(bytes) == value, "\(name)")
                #expect(try codec.encode(value) == bytes, "\(name)")
            } else {
                #expect(refusal { try codec.parse(bytes) }?.code == .depth, "\(name)")
                #expect(refusal { try codec.encode(value) }?.code == .depth, "\(name)")
            }
        }
    }

    @Test("The first byte tells the codec")
    func detect() throws {
        for vector in try VectorFile("detect.json").vectors() {
            let bytes = try VectorFile.bytes(vector["bytes"])
            #expect(CodecSet.standard.detect(bytes)?.name == vector["codec"]?.asText, "\(vector["name"]?.asText ?? "?")")
        }
    }

    @Test("Floats have the text of the vectors, and read back to the same bits")
    func floats() throws {
        for vector in try VectorFile("floats.json").vectors() {
            let hex = try #require(vector["bits"]?.asText)
            let bits = try #require(UInt64(hex, radix: 16))
            let text = try #require(vector["text"]?.asText)
            let value = Value.double(Double(bitPattern: bits))
            #expect(String(decoding: try JSONCodec().encode(value), as: UTF8.self) == text)
            #expect(String(decoding: try TNetstringCodec().encode(value), as: UTF8.self) == "\(text.utf8.count):\(text)^")
            #expect(try JSONCodec().value(Array(text.utf8)).asDouble?.bitPattern == bits, "\(text)")
            #expect(
                try TNetstringCodec().value(Array("\(text.utf8.count):\(text)^".utf8)).asDouble?.bitPattern == bits, "\(text)")
        }
    }
}

/// The codec's error that a call throws, or nil.
func refusal<R>(_ body: () throws -> R) -> CodecError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? CodecError
    }
}

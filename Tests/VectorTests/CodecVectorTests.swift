import TempestCodecs
import Testing

@Suite("Vectors of the codecs")
struct CodecVectorTests {
    static let codecs: [any Codec] = [JSONCodec(), MessagePackCodec(), TNetstringCodec()]

    @Test("Every accepted encoding decodes to its value, and the value encodes to the first", arguments: codecs.map(\.name))
    func valid(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        for vector in try VectorFile.list(name, "valid") {
            let value = (vector["value"] ?? .null).untagged
            let encodings = (vector["encodings"]?.asArray ?? []).map(\.bytes)
            for (index, bytes) in encodings.enumerated() {
                VectorFile.run("\(vector.name) #\(index)") {
                    let decoded = try codec.value(bytes)
                    #expect(decoded == value, "\(vector.name) #\(index)")
                }
            }
            VectorFile.run("\(vector.name)") {
                let encoded = try codec.encode(value)
                #expect(encoded == encodings.first, "\(vector.name)")
                let canonical = try codec.encode(value, canonical: true)
                #expect(canonical == vector["canonical"]?.bytes ?? encodings.first, "\(vector.name), canonical")
                let again = try codec.encode(codec.parse(encodings[0]).root)
                #expect(again == encodings.first, "\(vector.name), from its parse")
            }
        }
    }

    @Test("Everything that must be refused is refused, with the place", arguments: codecs.map(\.name))
    func invalid(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        for vector in try VectorFile.list(name, "invalid") {
            do throws(CodecError) {
                _ = try codec.parse((vector["bytes"] ?? .null).bytes)
                Issue.record("\(vector.name) was accepted")
            } catch {
                #expect(error.offset != nil, "\(vector.name): \(error)")
            }
        }
    }

    @Test("What has no form is refused by the writer", arguments: codecs.map(\.name))
    func unencodable(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        for vector in try VectorFile.list(name, "unencodable") {
            #expect(throws: CodecError.self, "\(vector.name)") { try codec.encode((vector["value"] ?? .null).untagged) }
        }
    }

    @Test("Depth 64 is read and written, depth 65 is not", arguments: codecs.map(\.name))
    func depth(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        for vector in try VectorFile.list(name, "deep") {
            let isMap = vector["kind"]?.asText == "map"
            var value: Value = isMap ? [:] : []
            for _ in 1..<(vector["depth"]?.asInt ?? 1) { value = isMap ? ["k": value] : [value] }
            let bytes = (vector["bytes"] ?? .null).bytes
            if vector["accepted"] == true {
                let (encoded, decoded) = (try codec.encode(value), try codec.value(bytes))
                #expect(encoded == bytes && decoded == value, "\(vector.name)")
            } else {
                #expect(throws: CodecError.self, "\(vector.name)") { try codec.encode(value) }
                #expect(throws: CodecError.self, "\(vector.name)") { try codec.parse(bytes) }
            }
        }
    }

    @Test("The first byte tells the codec")
    func detection() throws {
        for vector in try VectorFile.list("detect") {
            #expect(CodecSet.standard.detect((vector["bytes"] ?? .null).bytes)?.name == vector["codec"]?.asText, "\(vector.name)")
        }
    }

    @Test("Floats have one text", arguments: ["json", "tnetstring"])
    func floats(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        for vector in try VectorFile.list("floats") {
            let text = vector["text"]?.asText ?? ""
            let value = Value.double(Double(bitPattern: UInt64(vector["bits"]?.asText ?? "", radix: 16) ?? 0))
            let bytes = Array(name == "json" ? text.utf8 : "\(text.utf8.count):\(text)^".utf8)
            #expect(try codec.encode(value) == bytes, "\(text)")
            #expect(try codec.value(bytes) == value, "\(text)")
        }
    }
}

// The values and documents of the protocol's own vectors, through CBOR and back.
// What JSON, MessagePack and tnetstring carry alike, CBOR carries no less.

import TempestCBOR
import TempestCodecs
import Testing

@Suite("The protocol's vectors through CBOR")
struct VectorTests {
    static let set = CodecSet.standard.adding(.cbor)
    static let files = [("json", "json.json"), ("msgpack", "msgpack.json"), ("tnetstring", "tnetstring.json")]

    @Test("A document comes back from CBOR as its canonical bytes", arguments: files)
    func documents(_ codec: String, _ file: String) throws {
        for vector in try VectorFile(file).vectors("valid") {
            let name = vector["name"]?.asText ?? "?"
            let value = try VectorFile.value(vector["value"])
            guard !holdsExt(value) else { continue }
            let canonical = try VectorFile.bytes(vector["canonical"] ?? vector["encodings"]?[0])
            let cbor = try Self.set.transcode(canonical, from: codec, to: "cbor")
            #expect(Self.set.detect(cbor)?.name == "cbor")
            #expect(try Self.set.transcode(cbor, to: codec, canonical: true) == canonical, "\(name)")
            #expect(identical(try CBORCodec().value(CBORCodec().encode(value)), value), "\(name)")
        }
    }

    @Test("Depth is refused where the vectors have the limit, reading and writing", arguments: files)
    func depth(_ codec: String, _ file: String) throws {
        for vector in try VectorFile(file).vectors("deep") {
            let depth = Int(try #require(vector["depth"]?.asInt))
            let isMap = vector["kind"]?.asText == "map"
            var value: Value = isMap ? [:] : []
            for _ in 1..<depth { value = isMap ? ["k": value] : [value] }
            let known = (isMap ? hex("a1616b") : hex("81")), unknown = (isMap ? hex("bf616b") : hex("9f"))
            let bytes = Array([[UInt8]](repeating: known, count: depth - 1).joined()) + (isMap ? [0xA0] : [0x80])
            let open =
                Array([[UInt8]](repeating: unknown, count: depth - 1).joined()) + (isMap ? [0xBF] : [0x9F])
                + [UInt8](repeating: 0xFF, count: depth)
            if vector["accepted"]?.asBool == true {
                #expect(try CBORCodec().encode(value) == tag + bytes)
                #expect(try CBORCodec().value(bytes) == value)
                #expect(try CBORCodec().value(open) == value)
            } else {
                #expect(refusal { try CBORCodec().encode(value) }?.code == .depth)
                #expect(refusal { try CBORCodec().parse(bytes) }?.code == .depth)
                #expect(refusal { try CBORCodec().parse(open) }?.code == .depth)
            }
        }
    }

    @Test("Floats keep their bits")
    func floats() throws {
        for vector in try VectorFile("floats.json").vectors() {
            let bits = try #require(vector["bits"]?.asText.flatMap { UInt64($0, radix: 16) })
            let bytes = try CBORCodec().encode(.double(Double(bitPattern: bits)) as Value)
            #expect(try CBORCodec().value(bytes).asDouble?.bitPattern == bits)
        }
    }

    @Test("Jobs and answers go to CBOR and back, and are told by their beginning")
    func envelopes() throws {
        let file = try VectorFile("envelope.json")
        for vector in try file.vectors("jobs") + file.vectors("answers") {
            let bytes = try VectorFile.bytes(vector["bytes"])
            let codec = try #require(vector["codec"]?.asText)
            // An integer or binary is one in tnetstring, too; ext is MessagePack's alone.
            guard try !holdsExt(#require(Self.set.named(codec)).value(bytes)) else { continue }
            let cbor = try Self.set.transcode(bytes, to: "cbor")
            #expect(cbor.starts(with: tag))
            #expect(try Self.set.transcode(cbor, to: codec) == bytes, "\(vector["name"]?.asText ?? "?")")
        }
    }

    @Test("No other codec's beginning is taken for CBOR, and CBOR's for no other's")
    func detection() throws {
        for vector in try VectorFile("detect.json").vectors() {
            let bytes = try VectorFile.bytes(vector["bytes"])
            let known = bytes.starts(with: tag) ? "cbor" : vector["codec"]?.asText
            #expect(Self.set.detect(bytes)?.name == known, "\(vector["name"]?.asText ?? "?")")
        }
        #expect(Self.set.detect([0xD9, 0xD9]) == nil)
        #expect(Self.set.detect([0x80])?.name == "msgpack", "CBOR without its tag is not told by its beginning")
    }

    @Test("An extension of MessagePack has no form")
    func ext() {
        #expect(refusal { try CBORCodec().encode([.ext(type: 5, data: [1])] as Value) }?.code == .unencodable)
        #expect(refusal { try Self.set.transcode([0x91, 0xD4, 5, 1], to: "cbor") }?.code == .unencodable)
    }

    private func holdsExt(_ value: Value) -> Bool {
        switch value {
        case .ext: true
        case .array(let elements): elements.contains { holdsExt($0) }
        case .map(let map): map.contains { holdsExt($0.value) }
        default: false
        }
    }
}

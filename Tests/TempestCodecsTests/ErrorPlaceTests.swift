import TempestCodecs
import Testing

@Suite("Where errors of codecs are")
struct ErrorPlaceTests {
    private func refusal(_ bytes: [UInt8], _ codec: any Codec, limits: Limits = .standard) -> String {
        do throws(CodecError) {
            _ = try codec.parse(bytes, limits: limits)
            return ""
        } catch {
            return error.description
        }
    }

    @Test(
        "A reader names the place in the document and the byte",
        arguments: [
            (#"{"users":[1,{"id":99999999999999999999}]}"#, "in $.users[1].id, at byte 18"),
            (#"{"users":[1,{"id":"\ud800"}]}"#, "in $.users[1].id, at byte 19"),
            (#"{"users":[1,{"id":1,"id":2}]}"#, "in $.users[1], at byte 20"),
            (#"{"users":[{}, {"a":{}}, [], NaN]}"#, "in $.users[3], at byte 28"),
            (#"[[[1],[2]],[3 4]]"#, "in $[1][1], at byte 14"), (#"{"a b":{"":[,]}}"#, #"in $["a b"][""][0], at byte 12"#),
            (#"{"a":1,b}"#, #"found "b", at byte 7"#), ("[1] 2", "bytes after the value, at byte 4"),
            (#"{"\u001b[31m\u202e":[01]}"#, #"in $["\u{1B}[31m\u{202E}"][0]"#),
        ])
    func json(_ text: String, _ place: String) {
        let refusal = refusal(Array(text.utf8), .json)
        #expect(refusal.contains(place), "\(refusal)")
    }

    @Test("So do readers of the other codecs")
    func others() {
        let ext: [UInt8] = [0x81, 0xA5] + Array("users".utf8) + [0x93, 0x01, 0x02, 0x81, 0xA2] + Array("id".utf8)
        #expect(refusal(ext + [0xC1], .messagePack).hasSuffix("in $.users[2].id, at byte 14"))
        #expect(refusal(ext + [0xCB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0], .messagePack).hasSuffix("in $.users[2].id, at byte 14"))
        // A key that is binary, and no text.
        #expect(refusal([0x92, 0x01, 0x81, 0xC4, 0x01, 0xFF, 0x01], .messagePack).hasSuffix("in $[1], at byte 3"))
        #expect(refusal(Array("14:1:a,7:1:1#0:!]}".utf8), .tnetstring).contains("in $.a[1]"))
        #expect(refusal(Array("4:1:1#}".utf8), .tnetstring).hasSuffix(", at byte 2"))
    }

    @Test("A document that needs more room than it was given at first has its places too")
    func large() {
        let text = "[" + String(repeating: #"{"a":[1,2]},"#, count: 5000) + #"{"b":[1,x]}]"#
        #expect(refusal(Array(text.utf8), .json).contains("in $[5000].b[1], at byte"))
    }

    @Test("Of a long way the ends are told, and of a long key the beginning")
    func cut() {
        let deep = String(repeating: #"{"key":["#, count: 30) + "x"
        #expect(refusal(Array(deep.utf8), .json).contains("in $.key[0].key[0].key…[0].key[0].key[0], at byte"))
        // One character of many scalars.
        for key in [String(repeating: "k", count: 100_000), "e" + String(repeating: "\u{301}", count: 100_000)] {
            for text in [#"{"\#(key)":x}"#, #"{"\#(key)":1,"\#(key)":2}"#] {
                #expect(refusal(Array(text.utf8), .json).utf8.count < 1000)
            }
        }
    }

    @Test("What a codec has no form for is found in the source", arguments: ["json", "tnetstring"])
    func transcoded(_ target: String) throws {
        let document: Value = ["users": [1, 2, ["id": .ext(type: 5, data: [7])]]]
        for canonical in [false, true] {
            let error = #expect(throws: CodecError.self) {
                try CodecSet.standard.transcode(
                    try MessagePackCodec().encode(document), to: target, canonical: canonical)
            }
            #expect(error?.code == .unencodable && error?.path == "$.users[2].id" && error?.offset == 14)
        }
        let bare = #expect(throws: CodecError.self) {
            try CodecSet.standard.transcode(
                try MessagePackCodec().encode(Value.ext(type: 5, data: [7])), from: "msgpack", to: target)
        }
        #expect(bare?.path == nil && bare?.offset == 0)
    }

    @Test("A value that is written is named by its place alone")
    func written() {
        for (refused, code) in [(.double(.nan), .number), (.ext(type: 1, data: []), .unencodable)] as [(Value, CodecError.Code)] {
            let value: Value = ["a": [1, refused]]
            let error = #expect(throws: CodecError.self) { try JSONCodec().encode(value) }
            let placed = error?.placed(in: value)
            #expect(placed?.code == code && placed?.path == "$.a[1]" && placed?.offset == nil)
            #expect(placed?.description.hasSuffix("in $.a[1]") == true)
        }
    }

    @Test("JSON says what a byte order mark is, and another encoding")
    func encodings() {
        let mark = "json: begins with a byte order mark: remove its three bytes, at byte 0"
        #expect(refusal([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], .json) == mark)
        let text = #"{"a":1}"#
        // ASCII, in two and in four bytes.
        let wide: [UInt8] = text.utf8.flatMap { byte -> [UInt8] in [byte, 0] }
        let wider: [UInt8] = text.utf8.flatMap { byte -> [UInt8] in [byte, 0, 0, 0] }
        func swapped(_ bytes: [UInt8], _ size: Int) -> [UInt8] {
            stride(from: 0, to: bytes.count, by: size).flatMap { bytes[$0..<$0 + size].reversed() }
        }
        for bytes in [wide, swapped(wide, 2), [0xFF, 0xFE] + wide, [0xFE, 0xFF] + swapped(wide, 2), [0x31, 0]] {
            #expect(refusal(bytes, .json) == "json: looks like UTF-16: write it as UTF-8, at byte 0")
        }
        for bytes in [wider, swapped(wider, 4), [0xFF, 0xFE, 0, 0] + wider, [0, 0, 0xFE, 0xFF] + swapped(wider, 4)] {
            #expect(refusal(bytes, .json) == "json: looks like UTF-32: write it as UTF-8, at byte 0")
        }
        // A null later on is a null.
        #expect(refusal([0x5B, 0x31, 0x2C, 0x31, 0x00], .json).contains("0x0"))
        let detected = #expect(throws: CodecError.self) {
            try CodecSet.standard.transcode([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], to: "msgpack")
        }
        #expect(detected?.description == mark)
    }

    @Test(
        "A second document on a line of its own is named as ndjson, and other bytes are not",
        arguments: [
            ("{}\n{}", true), ("{}\r\n[1]\n", true), ("1\n\n  2", true), ("{}{}", false), ("{} {}", false), ("[]\n]", false),
            ("[]\n,", false), ("{}\n\u{0}", false),
        ])
    func lines(_ text: String, _ isLines: Bool) {
        let refusal = refusal(Array(text.utf8), .json)
        #expect(refusal.contains("this looks like lines of JSON (ndjson), at byte") == isLines, "\(refusal)")
        #expect(!refusal.isEmpty)
    }
}

/// Writes text after text and counts them.
private final class Tap {
    var count = 0
}

private struct Stream: TokenWritable {
    let tap: Tap
    let text = String(repeating: "x", count: 1000)

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: 500_000)
        for _ in 0..<500_000 {
            tap.count += 1
            try writer.text(text)
        }
        try writer.endArray()
    }
}

private struct EncodableStream: Encodable {
    let tap: Tap

    func encode(to encoder: any Encoder) throws {
        let text = String(repeating: "x", count: 1000)
        var container = encoder.unkeyedContainer()
        for _ in 0..<500_000 {
            tap.count += 1
            try container.encode(text)
        }
    }
}

@Suite("What is too large to be written")
struct TooLargeTests {
    /// 1,000 bytes each.
    private static let most = Limits.standard.bytes / 1000 + 1

    @Test("A writer stops as soon as the limit is passed", arguments: ["json", "msgpack", "tnetstring"])
    func stops(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        let (tokens, encoded) = (Tap(), Tap())
        let error = #expect(throws: CodecError.self) { try codec.encode(Stream(tap: tokens)) }
        #expect(error?.code == .size && tokens.count <= Self.most)
        #expect(throws: EncodingError.self) { try codec.encode(encoding: EncodableStream(tap: encoded)) }
        #expect(encoded.count <= Self.most)
    }

    @Test("A large value that shares its parts is refused at once", arguments: ["json", "msgpack", "tnetstring"])
    func values(_ name: String) throws {
        let codec = try #require(CodecSet.standard.named(name))
        // 10 GB, if it were written.
        let text: Value = .text(String(repeating: "x", count: 10_000))
        let rows = Value.array([Value](repeating: text, count: 1000))
        let all = Value.array([Value](repeating: rows, count: 1000))
        let start = ContinuousClock.now
        let error = #expect(throws: CodecError.self) { try codec.encode(all) }
        #expect(error?.code == .size || error?.code == .values)
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("No text of an error carries a whole value or a whole key")
    func texts() {
        let text = String(repeating: "secret", count: 4_000_000)
        let key = String(repeating: "secret", count: 100_000)
        func description(_ body: () throws -> Void) -> String {
            do {
                try body()
                return ""
            } catch {
                return "\(error) \(String(reflecting: error)) \((error as? CodecError)?.message ?? "")"
            }
        }
        let descriptions = [
            description { _ = try JSONCodec().encode(encoding: text) },
            description { _ = try JSONCodec().encode(encoding: ["a": [text]]) },
            description { _ = try JSONCodec().encode(encoding: [key: Double.nan]) },
            description { _ = try JSONCodec().encode(.text(text) as Value) },
            description { _ = try JSONCodec().encode([key: .ext(type: 1, data: [])] as Value) },
            description { _ = try JSONCodec().decode([String: Int].self, from: Array(#"{"\#(key)":"x"}"#.utf8)) },
            description { _ = try JSONCodec().decode(Int.self, from: Array(#""\#(key)""#.utf8)) },
            description { _ = try JSONCodec().parse(Array(#"{"\#(key)":1,"\#(key)":1}"#.utf8)) },
            description {
                var buffer = TokenBuffer()
                try buffer.beginMap(count: 2)
                for _ in 0..<2 {
                    try buffer.key(key)
                    try buffer.null()
                }
                try buffer.endMap()
            },
        ]
        for text in descriptions { #expect(!text.isEmpty && text.utf8.count < 4000, "\(text.prefix(300))") }
    }
}

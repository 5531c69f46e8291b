// Sets of codecs, nodes, and a codec from outside of the package.
// What a program that brings its own codec relies on.

import Testing

@testable import TempestCodecs

@Suite("Sets of codecs and nodes")
struct CodecSetTests {
    /// JSON behind another prefix: all that a codec from outside needs is public.
    struct Prefixed: Codec {
        var name: String { "prefixed" }
        var contentType: String { "application/x-prefixed" }
        func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: [0xD9, 0xD9, 0xF7]) }
        func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
            try JSONCodec().parse(Array(bytes.dropFirst(3)), limits: limits)
        }
        func makeWriter(limits: Limits) -> JSONWriter { JSONCodec().makeWriter(limits: limits) }
        func finish(_ writer: consuming JSONWriter) throws(CodecError) -> [UInt8] {
            [0xD9, 0xD9, 0xF7] + (try JSONCodec().finish(writer))
        }
    }

    @Test("Codecs are found by name and told by the first byte")
    func lookup() {
        #expect(CodecSet.standard.names == ["json", "msgpack", "tnetstring"])
        #expect(CodecSet.standard.named("msgpack")?.contentType == "application/vnd.msgpack")
        #expect(CodecSet.standard.named("xml") == nil)
        #expect(CodecSet.standard.detect([0xC1]) == nil)
        #expect(CodecSet.standard.detect([]) == nil)
    }

    @Test("A codec from outside is added and recognised")
    func adding() throws {
        let set = CodecSet.standard.adding(Prefixed())
        let bytes = try Prefixed().encode([1] as Value)
        #expect(set.detect(bytes)?.name == "prefixed")
        #expect(CodecSet.standard.detect(bytes) == nil)
        #expect(try set.detect(bytes)?.value(bytes) == [1])
    }

    /// JSON by another name, which takes its envelopes.
    struct Twin: Codec {
        var name: String { "twin" }
        var contentType: String { "application/json" }
        func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: Array("[null,null".utf8)) }
        func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
            try JSONCodec().parse(bytes, limits: limits)
        }
        func makeWriter(limits: Limits) -> JSONWriter { JSONCodec().makeWriter(limits: limits) }
    }

    /// Takes what begins like a large array of MessagePack, and writes nothing of its own.
    struct Greedy: Codec {
        var name: String { "greedy" }
        var contentType: String { "application/x-greedy" }
        func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.first == 0xDC }
        func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document { throw CodecError(.syntax, "greedy: no") }
        func makeWriter(limits: Limits) -> JSONWriter { JSONCodec().makeWriter(limits: limits) }
        func finish(_ writer: consuming JSONWriter) throws(CodecError) -> [UInt8] { throw CodecError(.unencodable, "greedy: no") }
    }

    @Test("Two codecs of a set that recognise the same beginning are noticed")
    func overlap() {
        #expect(CodecSet.overlap([.json, .messagePack, .tnetstring, Prefixed()]) == nil)
        #expect(CodecSet.overlap([]) == nil)
        #expect(CodecSet.overlap([.json, Twin()]) == "the codecs json and twin both recognize 0x5b 0x6e 0x75 0x6c")
        #expect(CodecSet.overlap([.messagePack, Greedy()]) == "the codecs msgpack and greedy both recognize 0xdc")
        #expect(CodecSet.overlap([.json, .json])?.hasPrefix("the codecs json and json both recognize") == true)
    }

    @Test("Only MessagePack's binary may be text")
    func binaryMayBeText() {
        let codecs: [any Codec] = [.json, .messagePack, .tnetstring, Prefixed()]
        #expect(codecs.filter(\.binaryMayBeText).map(\.name) == ["msgpack"])
    }

    @Test("A document goes from one codec of the set to another by name, or told by its beginning")
    func transcode() throws {
        let set = CodecSet.standard.adding(Prefixed())
        let json = Array(#"[{"b":1,"a":[null]}]"#.utf8)
        let prefixed = try set.transcode(json, to: "prefixed")
        #expect(prefixed == [0xD9, 0xD9, 0xF7] + json)
        #expect(try set.transcode(prefixed, to: "json") == json)
        #expect(try set.transcode(prefixed, to: "json", canonical: true) == Array(#"[{"a":[null],"b":1}]"#.utf8))
        #expect(try set.transcode(Array("7".utf8), from: "json", to: "msgpack") == [7])
        // The document is hostile, and so may be the names.
        #expect(refusal { try set.transcode(Array("7".utf8), to: "msgpack") }?.code == .syntax)
        #expect(refusal { try set.transcode([0xFF], to: "msgpack") }?.description.contains("begin with 0xff") == true)
        #expect(refusal { try set.transcode([], to: "msgpack") }?.code == .unknownCodec)
        #expect(refusal { try set.transcode(json, to: "xml") }?.description.contains(#""xml""#) == true)
        #expect(refusal { try set.transcode(json, from: "xml", to: "json") }?.code == .unknownCodec)
        #expect(refusal { try set.transcode(json, to: "json", limits: Limits(depth: 2)) }?.code == .depth)
        #expect(refusal { try set.transcode([0x91, 0xD4, 5, 1], to: "json") }?.code == .unencodable)
    }

    @Test("A node shows what it is, where it begins and what is inside")
    func nodes() throws {
        let root = try JSONCodec().parse(Array(#" [null,true,-1,18446744073709551615,1.5,"é\n",{"k":[]},{"$b64":"/w=="}]"#.utf8))
            .root
        #expect(root.kind == .array)
        #expect(root.count == 8)
        #expect(root.offset == 1)
        #expect(root[0].isNull)
        #expect(root[1].bool == true)
        #expect(root[2].int == -1)
        #expect(root[2].uint == nil)
        #expect(root[3].uint == .max)
        #expect(root[3].int == nil)
        #expect(root[4].double == 1.5)
        #expect(root[5].text == "é\n")
        #expect(root[6]["k"]?.kind == .array)
        #expect(root[6]["x"] == nil)
        #expect(root[6].members.map(\.key) == ["k"])
        #expect(root[7].bytes == [0xFF])
        #expect(root[7].textOrUTF8 == nil)
        #expect(root[7].text == nil)
        #expect(root[2].offset == 12)
        #expect(root.elements.map(\.kind) == [.null, .bool, .int, .uint, .double, .text, .map, .binary])
        #expect(root.elements.map { "\($0.kind)" }[2] == "integer")
    }

    @Test("Binary that is UTF-8 is had as text where a reader says so")
    func readableBinary() throws {
        let root = try MessagePackCodec().parse([0x92, 0xC4, 2, 0x68, 0x69, 0xA1, 0x78]).root
        #expect(root[0].text == nil)
        #expect(root[0].textOrUTF8 == "hi")
        #expect(root[1].textOrUTF8 == "x")
    }

    @Test("A builder refuses what a careless reader lets through")
    func builder() throws {
        let source: [UInt8] = [0xFF, 0x61]
        func build(_ body: (inout DocumentBuilder) throws -> Void) -> CodecError? {
            refusal {
                var builder = try DocumentBuilder(source: source, limits: Limits(depth: 1), codec: "own")
                try body(&builder)
                return try builder.finish()
            }
        }
        #expect(build { try $0.text(1..<2, at: 1) } == nil)
        #expect(build { try $0.text(0..<1, at: 0) }?.description == "own: text that is not valid UTF-8, at byte 0")
        #expect(build { try $0.double(.nan, at: 0) }?.code == .number)
        #expect(
            build {
                try $0.beginArray(at: 0); try $0.beginArray(at: 1)
            }?.code == .depth)
        #expect(
            build {
                try $0.beginMap(at: 0); try $0.null(at: 1)
            }?.code == .syntax)
        #expect(
            build {
                try $0.beginMap(at: 0); try $0.key(1..<2, at: 1); try $0.endMap(at: 2)
            }?.code == .syntax)
        #expect(
            build {
                try $0.null(at: 0); try $0.null(at: 1)
            }?.code == .trailing)
        #expect(build { try $0.beginArray(at: 0) }?.code == .syntax)
        #expect(build { _ in }?.code == .syntax)
    }
}

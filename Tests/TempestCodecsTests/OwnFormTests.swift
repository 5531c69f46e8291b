// A form from outside of the package, with nothing that it need not have.
// What a program relies on that brings its own codec: the rules of writing are Tempest's.

import TempestCodecs
import Testing

@Suite("Forms from outside")
struct OwnFormTests {
    /// Words with a blank after each, behind a beginning.
    struct Form: TokenForm {
        private var bytes = Array("own:".utf8)

        static var codec: String { "own" }
        var size: Int { bytes.count }

        mutating func null() { word("null") }
        mutating func bool(_ value: Bool) { word("\(value)") }
        mutating func int(_ value: Int64) { word("\(value)") }
        mutating func uint(_ value: UInt64) { word("\(value)") }
        mutating func double(_ value: Double) { word("\(value)") }
        mutating func text(_ utf8: UnsafeRawBufferPointer) { word("'" + String(decoding: utf8, as: UTF8.self)) }
        mutating func binary(_ bytes: UnsafeRawBufferPointer) { word("b\(bytes.count)") }
        mutating func beginArray(count: Int) { word("[\(count)") }
        mutating func endArray() { word("]") }
        mutating func beginMap(count: Int) { word("{\(count)") }
        mutating func key(_ utf8: UnsafeRawBufferPointer, isOnly: Bool) {
            word((isOnly ? "=" : "+") + String(decoding: utf8, as: UTF8.self))
        }
        mutating func endMap() { word("}") }
        mutating func finish() -> [UInt8] { bytes }

        private mutating func word(_ word: String) { bytes.append(contentsOf: (word + " ").utf8) }
    }

    struct Writer: FormWriting {
        var base: FormWriter<Form>
    }

    struct Own: Codec {
        var name: String { "own" }
        var contentType: String { "application/x-own" }
        func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: Array("own:".utf8)) }
        func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
            throw CodecError(.syntax, "own: only written")
        }
        func makeWriter(limits: Limits) -> Writer { Writer(base: FormWriter(Form(), limits: limits)) }
    }

    static let value: Value = [
        "a": [nil, true, -1, .uint(.max), 1.5], "b": ["é": .text(String(repeating: "x", count: 20))], "c": .binary([1, 0xFF]),
        "d": [],
    ]
    static let written =
        "own:{4 +a [5 null true -1 18446744073709551615 1.5 ] +b {1 =é 'xxxxxxxxxxxxxxxxxxxx } +c b2 +d [0 ] } "

    @Test("A value, a node and a recording become the same bytes behind the form's beginning")
    func encoding() throws {
        #expect(String(decoding: try Own().encode(Self.value), as: UTF8.self) == Self.written)
        let node = try MessagePackCodec().parse(MessagePackCodec().encode(Self.value)).root
        #expect(String(decoding: try Own().encode(node), as: UTF8.self) == Self.written)
        #expect(String(decoding: try Own().encode(node, canonical: true), as: UTF8.self) == Self.written)
        #expect(String(decoding: try Own().encode(encoding: [1: true]), as: UTF8.self) == "own:{1 =1 true } ")
    }

    @Test("The limit of bytes holds to the byte, the beginning counted, and those of depth and values")
    func limits() throws {
        let bytes = Array(Self.written.utf8)
        #expect(try Own().encode(Self.value, limits: Limits(bytes: bytes.count)) == bytes)
        for count in 0..<bytes.count {
            #expect(refusal { try Own().encode(Self.value, limits: Limits(bytes: count)) }?.code == .size, "\(count)")
        }
        #expect(refusal { try Own().encode([[]] as Value, limits: Limits(depth: 1)) }?.code == .depth)
        #expect(refusal { try Own().encode([1, 2] as Value, limits: Limits(values: 2)) }?.code == .values)
    }

    @Test("The writer refuses what makes no document, and an ext, which the form does not name")
    func refusals() throws {
        func write(_ body: (inout Writer) throws -> Void) -> CodecError? {
            refusal {
                var writer = Own().makeWriter(limits: Limits(depth: 1, values: 4))
                try body(&writer)
                return try Own().finish(writer)
            }
        }
        let bad: [UInt8] = [0xC3, 0x28]
        #expect(write { try $0.null() } == nil)
        #expect(write { _ in }?.code == .syntax)
        #expect(
            write {
                try $0.null(); try $0.null()
            }?.code == .trailing)
        #expect(write { try $0.double(.infinity) }?.description == "own: inf is no value, floats are finite")
        #expect(write { writer in try bad.withUnsafeBytes { try writer.text(utf8: $0) } }?.code == .text)
        #expect(
            write { writer in
                try writer.beginMap(count: 1); try bad.withUnsafeBytes { try writer.key(utf8: $0) }
            }?.code == .text)
        #expect(
            write { writer in
                try writer.beginMap(count: 1); try [].withUnsafeBytes { try writer.key(utf8: $0) }; try writer.null()
                try writer.endMap()
            } == nil)
        #expect(
            write {
                try $0.beginMap(count: 1); try $0.null()
            }?.code == .syntax)
        #expect(
            write {
                try $0.beginArray(count: 1); try $0.endArray()
            }?.code == .syntax)
        #expect(
            write {
                try $0.beginArray(count: 1); try $0.beginArray(count: 0)
            }?.code == .depth)
        #expect(
            write {
                try $0.beginArray(count: 5); for _ in 0..<5 { try $0.null() }
            }?.code == .values)
        #expect(write { try $0.beginArray(count: -1) }?.code == .syntax)
        let ext = CodecError(.unencodable, "own: there is no form for an ext (type 5), send it as MessagePack")
        #expect(write { try $0.ext(type: 5, data: [1]) } == ext)
        #expect(refusal { try Own().encode([.ext(type: 5, data: [1])] as Value) } == ext)
    }
}

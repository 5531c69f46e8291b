// From one codec into each other and back: nothing may change but what protocol/codecs.md names.
// Before it: the checks of one codec. After it: nothing.

import TempestCodecs

/// Writes a document in every other codec, reads it there, and comes back.
func checkTranscoding(from codec: some Codec, _ document: Document, _ value: Value, _ shape: Shape) {
    if codec.name != "json" { checkTranscoding(from: codec, to: JSONCodec(), document, value, shape) }
    if codec.name != "msgpack" { checkTranscoding(from: codec, to: MessagePackCodec(), document, value, shape) }
    if codec.name != "tnetstring" { checkTranscoding(from: codec, to: TNetstringCodec(), document, value, shape) }
}

private func checkTranscoding(
    from source: some Codec, to target: some Codec, _ document: Document, _ value: Value, _ shape: Shape
) {
    let names = "\(source.name) to \(target.name)"
    let there: [UInt8]
    do throws(CodecError) {
        there = try target.encode(document.root)
    } catch {
        expect(shape.hasExt && error.code == .unencodable, "\(names): \(error)")
        return expect(error.message.hasPrefix("\(target.name): "), "\(names): \(error)")
    }
    // Ext is MessagePack's alone; every other value has a form in all three.
    expect(!shape.hasExt || target.name == "msgpack", "\(names): an ext was written")
    let expected = target.name == "tnetstring" ? afterTNetstring(value) : value
    let read = certain("\(names), reading") { try target.parse(there) }
    expect(identical(read.root.value, expected), "\(names): \(value) became \(read.root.value)")
    let back = certain("\(names) and back, writing") { try source.encode(read.root) }
    let returned = certain("\(names) and back, reading") { try source.parse(back) }
    let home = source.name == "tnetstring" ? afterTNetstring(expected) : expected
    expect(identical(returned.root.value, home), "\(names) and back: \(value) became \(returned.root.value)")
}

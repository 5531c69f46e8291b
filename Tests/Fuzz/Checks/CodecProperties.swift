// What must hold for any bytes at all in one codec: a refusal that says where, or a document that survives every way of writing it.
// Before it: an entry point of a fuzzer. After it: transcoding, and for MessagePack the comparison with libmsgpack.

import TempestCodecs

/// Limits that small inputs reach.
let tight = Limits(depth: 3, values: 12, bytes: 64)

/// Checks a codec on one input; hands out the value, or the error of a refusal.
func check(_ codec: some Codec, _ bytes: [UInt8]) -> Result<Value, CodecError> {
    let document: Document
    do {
        document = try codec.parse(bytes)
    } catch {
        checkRefusal(error, codec.name, bytes.count)
        checkTightRefusal(codec, bytes)
        return .failure(error)
    }
    let value = document.root.value
    let shape = Shape(value)
    expect(shape.fits(.standard), "over the limits: depth \(shape.depth), \(shape.values) values")
    checkNode(document.root, value, bytes.count)
    checkWriting(codec, document, value)
    checkCoding(codec, document, value, shape)
    checkTight(codec, bytes, value, shape)
    checkTranscoding(from: codec, document, value, shape)
    return .success(value)
}

/// A refusal begins with the codec's name and points into the input.
func checkRefusal(_ error: CodecError, _ name: String, _ count: Int) {
    expect(error.message.hasPrefix("\(name): "), "a message that does not begin with \(name): \(error.message)")
    expect(error.message.utf8.count < 1000, "a message of \(error.message.utf8.count) bytes")
    guard let offset = error.offset else { finding("a refusal without an offset: \(error)") }
    expect((0...count).contains(offset), "offset \(offset) is outside of 0...\(count): \(error)")
}

/// Every node says the same as the value, and keys are found.
private func checkNode(_ node: Node, _ value: Value, _ count: Int) {
    expect((0..<count).contains(node.offset), "a node at \(node.offset) of \(count) bytes")
    switch value {
    case .array(let array):
        let elements = Array(node.elements)
        expect(node.count == array.count && elements.count == array.count, "an array of \(node.count), \(array.count) elements")
        for (element, value) in zip(elements, array) { checkNode(element, value, count) }
        if let last = elements.indices.last {
            expect(node[last].offset == elements[last].offset, "the last element is not found by its number")
        }
    case .map(let map):
        let members = Array(node.members)
        expect(node.count == map.count && members.count == map.count, "a map of \(node.count), \(map.count) pairs")
        for (member, pair) in zip(members, map) {
            expect(member.key.utf8.elementsEqual(pair.key.utf8), "keys differ: \(member.key) and \(pair.key)")
            guard let found = node[pair.key] else { finding("the key \(pair.key.debugDescription) is not found") }
            expect(found.offset == member.value.offset, "the key \(pair.key.debugDescription) finds another value")
            checkNode(member.value, pair.value, count)
        }
        let absent = map.map(\.key).max { $0.utf8.count < $1.utf8.count } ?? ""
        expect(node[absent + "x"] == nil, "a key that is not there is found")
    case .double(let double): expect(double.isFinite, "a float that is not finite: \(double)")
    case .uint(let uint): expect(uint > UInt64(Int64.max), "a small integer as uint: \(uint)")
    case .text(let text): expect(node.bytes.map { text.utf8.elementsEqual($0) } ?? false, "text and bytes differ")
    default: break
    }
}

/// Node and value are written alike; what is written reads back the same, and is written so again.
private func checkWriting(_ codec: some Codec, _ document: Document, _ value: Value) {
    let name = codec.name
    let written = certain("\(name) does not write the value that it read") { try codec.encode(value) }
    let fromNode = certain("\(name) does not write the node that it read") { try codec.encode(document.root) }
    expect(written == fromNode, "\(name) writes value and node in different ways")
    let again = certain("\(name) does not read what it wrote") { try codec.parse(written) }
    expect(identical(again.root.value, value), "\(name): \(value) came back as \(again.root.value)")
    let rewritten = certain("\(name) does not write what it wrote before") { try codec.encode(again.root) }
    expect(rewritten == written, "\(name) writes the same value in different ways")

    let canonical = certain("\(name), canonical") { try codec.encode(value, canonical: true) }
    expect(
        canonical == certain("\(name), canonical node") { try codec.encode(document.root, canonical: true) },
        "\(name) writes value and node in different canonical ways")
    expect(canonical.count == written.count, "\(name): canonical bytes are not of the same length")
    let sorted = certain("\(name) does not read its canonical bytes") { try codec.parse(canonical) }
    expect(sorted.root.value == value, "\(name): the canonical bytes are another value")
    expect(
        certain("\(name), canonical again") { try codec.encode(sorted.root, canonical: true) } == canonical,
        "\(name): canonical bytes of canonical bytes differ")
    expect(certain("\(name), sorted") { try codec.encode(sorted.root) } == canonical, "\(name): canonical bytes are not sorted")
}

/// The coders of `Codable` agree with values, and refuse wrong shapes with an error of their own.
private func checkCoding(_ codec: some Codec, _ document: Document, _ value: Value, _ shape: Shape) {
    let decoded = certain("decoding a Value") { try document.root.decode(Value.self) }
    expect(identical(decoded, value), "\(value) was decoded as \(decoded)")
    let encoded = certain("encoding a Value") { try codec.encode(encoding: value) }
    expect(encoded == certain("writing") { try codec.encode(value) }, "encoding a Value and writing it differ")
    mayRefuse { _ = try document.root.decode([String: [Int8]].self) }
    mayRefuse { _ = try document.root.decode([Double?].self) }
    mayRefuse { _ = try document.root.decode([String].self) }
    mayRefuse { _ = try document.root.decode(Typed.self) }
}

private struct Typed: Codable {
    var a: Int
    var b: String?
    var c: [[UInt64]]?
}

private func mayRefuse(_ body: () throws -> Void) {
    do {
        try body()
    } catch is DecodingError {
        return
    } catch {
        finding("decoding threw what is no DecodingError: \(error)")
    }
}

/// Reading and writing hold to limits exactly: what fits is let through, what does not is refused.
private func checkTight(_ codec: some Codec, _ bytes: [UInt8], _ value: Value, _ shape: Shape) {
    let fits = shape.fits(tight)
    do throws(CodecError) {
        let read = try codec.parse(bytes, limits: tight).root.value
        expect(fits && bytes.count <= tight.bytes, "read over the limits: depth \(shape.depth), \(shape.values) values")
        expect(identical(read, value), "within other limits \(value) was read as \(read)")
    } catch {
        expect(!fits || bytes.count > tight.bytes, "refused within the limits: \(error)")
        checkTightError(error, codec.name, bytes.count)
    }
    let length = certain("writing") { try codec.encode(value) }.count
    for canonical in [false, true] {
        do throws(CodecError) {
            let written = try codec.encode(value, limits: tight, canonical: canonical)
            expect(fits && written.count <= tight.bytes, "\(written.count) bytes written over the limits")
        } catch {
            expect(!fits || length > tight.bytes, "not written within the limits: \(error)")
        }
    }
}

/// Bytes that are refused are refused within smaller limits too.
private func checkTightRefusal(_ codec: some Codec, _ bytes: [UInt8]) {
    do throws(CodecError) {
        _ = try codec.parse(bytes, limits: tight)
        finding("\(codec.name) reads within small limits what it refuses within large ones")
    } catch {
        checkTightError(error, codec.name, bytes.count)
    }
}

/// The size of the whole is no place in it.
private func checkTightError(_ error: CodecError, _ name: String, _ count: Int) {
    if error.code == .size { return expect(error.message.hasPrefix("\(name): "), "\(error)") }
    checkRefusal(error, name, count)
}

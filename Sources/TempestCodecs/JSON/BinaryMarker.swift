// Binary in JSON: a map of the one key $b64, and what keeps maps that look like it apart (codecs.md).
// The reader folds such maps when they end; the writer asks whether a key is like it.

/// The key that says that a map is binary.
enum BinaryMarker {
    /// Whether a key is one or more dollar signs and `b64`.
    @inline(__always)
    static func isLike(_ key: UnsafeRawBufferPointer) -> Bool {
        guard key.count >= 4, key[0] == UInt8(ascii: "$") else { return false }
        let end = key.count - 3
        guard key[end] == UInt8(ascii: "b"), key[end + 1] == UInt8(ascii: "6"), key[end + 2] == UInt8(ascii: "4") else {
            return false
        }
        return key[..<end].allSatisfy { $0 == UInt8(ascii: "$") }
    }
}

extension DocumentBuilder {
    /// Closes a map of JSON: one that is the marker of binary becomes binary, one that is escaped loses a dollar sign.
    mutating func endJSONMap(at offset: Int) throws(CodecError) {
        let frame = nesting.top
        if frame.count == 1, tape.entries.count == frame.start + 3, tape.entries[frame.start + 2].kind == .text {
            let key = tape.entries[frame.start + 1]
            if tape.bytes(of: key, BinaryMarker.isLike),
                let binary = tape.bytes(of: tape.entries[frame.start + 2], Base64.decode)
            {
                if key.low == 4 { return try fold(frame.start, into: binary, at: offset) }
                tape.entries[frame.start + 1].payload = UInt64(key.high + 1) << 32 | UInt64(key.low - 1)
            }
        }
        // Binary is a scalar and may be where a map would be too deep; this is a map after all.
        guard depth <= limits.depth else { throw nesting.tooDeep(Int(tape.entries[frame.start].offset)) }
        try endMap(at: offset)
    }

    private mutating func fold(_ index: Int, into binary: [UInt8], at offset: Int) throws(CodecError) {
        _ = try nesting.end(map: true, at: offset)
        nesting.forget(values: 2)
        let start = tape.side.count
        tape.side.append(contentsOf: binary)
        let place = Int(tape.entries[index].offset)
        tape.entries.removeLast(2)
        tape.entries[index] = Entry(.binary, offset: place, start: start, length: binary.count, flags: Entry.inSide)
    }
}

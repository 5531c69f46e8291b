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

extension JSONReader {
    /// Closes a map: one that is the marker of binary becomes binary, one that is escaped loses a dollar sign.
    @inline(__always)
    mutating func endMap(_ room: inout TapeRoom) throws(CodecError) {
        if room.elements == 1, room.count == room.open &+ 3 {
            let key = room.entries[room.open &+ 1]
            if key.low >= 4, room.entries[room.open &+ 2].kind == .text, endMarker(&room) { return }
        } else {
            try checkKeys(room)
        }
        // Binary is a scalar and may be where a map would be too deep; this is a map after all.
        guard room.depth <= limits.depth else { throw tooDeep(Int(room.entries[room.open].offset)) }
        room.end()
    }

    /// Whether a map of one key and one text was closed as binary.
    @inline(never)
    private mutating func endMarker(_ room: inout TapeRoom) -> Bool {
        let key = room.entries + room.open + 1
        let binary: [UInt8]? = withView(room) { view in
            BinaryMarker.isLike(view.bytes(key.pointee)) ? Base64.decode(view.bytes(key[1])) : nil
        }
        guard let binary else { return false }
        if key.pointee.low > 4 {
            key.pointee.payload = UInt64(key.pointee.high + 1) << 32 | UInt64(key.pointee.low - 1)
            return false
        }
        let place = Int(room.entries[room.open].offset)
        let start = unescaped.count
        binary.withUnsafeBytes { unescaped.append($0) }
        room.fold(into: Entry(.binary, offset: place, start: start, length: binary.count, flags: Entry.inSide))
        return true
    }
}

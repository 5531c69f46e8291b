// Text that is JSON in another encoding, or JSON with something before or after it: refused, and named as what it is.
// Before it: bytes that the JSON reader has refused. After it: the words of the error.

/// What bytes look like that are no document of JSON.
package enum ForeignText {
    /// Whether the bytes begin with a byte order mark.
    package static func isMarked(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE])
            || bytes.starts(with: [0, 0, 0xFE, 0xFF])
    }

    /// What is wrong with the encoding; nil if nothing is seen.
    static func trouble(_ bytes: UnsafeRawBufferPointer) -> String? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return "begins with a byte order mark: remove its three bytes" }
        let zeros = bytes.prefix(4).map { $0 == 0 }
        if bytes.starts(with: [0, 0, 0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE, 0, 0])
            || zeros == [true, true, true, false] || zeros == [false, true, true, true]
        {
            return "looks like UTF-32: write it as UTF-8"
        }
        if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE])
            || zeros.starts(with: [true, false]) || zeros.starts(with: [false, true])
        {
            return "looks like UTF-16: write it as UTF-8"
        }
        return nil
    }

    /// Whether what stands at an offset, after a document, begins on a line of its own, as another document does.
    static func isNextLine(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard offset < bytes.count else { return false }
        let byte = bytes[offset]
        guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "]"), byte != UInt8(ascii: "}"), byte != UInt8(ascii: ",") else {
            return false
        }
        for byte in bytes[..<offset].reversed() {
            if byte == 0x0A { return true }
            guard byte == 0x20 || byte == 0x09 || byte == 0x0D else { return false }
        }
        return false
    }
}

extension JSONReader {
    static func explained(_ error: CodecError, _ bytes: UnsafeRawBufferPointer) -> CodecError? {
        guard let offset = error.offset else { return nil }
        if offset < 4, let trouble = ForeignText.trouble(bytes) { return CodecError(.syntax, "json: \(trouble)", at: 0) }
        guard error.code == .trailing, ForeignText.isNextLine(bytes, at: offset) else { return nil }
        return CodecError(
            .trailing, "json: after the first document comes another: this looks like lines of JSON (ndjson)", at: offset)
    }
}

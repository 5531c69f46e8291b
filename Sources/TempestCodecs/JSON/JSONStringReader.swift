// Strings of JSON: a range of the source where nothing is escaped, else a copy without the escapes.
// Part of the JSON reader; the builder checks that the text is UTF-8.

extension JSONReader {
    /// Reads a string, from one quotation mark to the other.
    mutating func readString(isKey: Bool) throws(CodecError) {
        let offset = position
        position += 1
        let start = position
        let isASCII = try skipPlain()
        if bytes[position] == UInt8(ascii: "\"") {
            let range = start..<position
            position += 1
            if isKey {
                try builder.key(range, isASCII: isASCII, at: offset)
            } else {
                try builder.text(range, isASCII: isASCII, at: offset)
            }
            return
        }
        var copy: [UInt8] = []
        copy.append(contentsOf: bytes[start..<position])
        while bytes[position] != UInt8(ascii: "\"") {
            try readEscape(into: &copy)
            let plain = position
            _ = try skipPlain()
            copy.append(contentsOf: bytes[plain..<position])
        }
        position += 1
        try copy.withRawBytes { (raw) throws(CodecError) in
            if isKey { try builder.key(copying: raw, at: offset) } else { try builder.text(copying: raw, at: offset) }
        }
    }

    /// Goes on to the next quotation mark or backslash; whether all before it was ASCII.
    @inline(__always)
    private mutating func skipPlain() throws(CodecError) -> Bool {
        var seen: UInt64 = 0
        let end = bytes.count
        while position < end {
            if position + 8 <= end {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                if JSONScan.special(word) == 0 {
                    seen |= word
                    position += 8
                    continue
                }
            }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return seen & 0x8080_8080_8080_8080 == 0 }
            guard byte >= 0x20 else { throw syntax("a control character in a string must be escaped") }
            seen |= UInt64(byte)
            position += 1
        }
        throw syntax("the bytes end inside of a string")
    }

    /// Reads an escape, at whose backslash the position is.
    private mutating func readEscape(into copy: inout [UInt8]) throws(CodecError) {
        guard position + 1 < bytes.count else { throw syntax("the bytes end inside of a string") }
        let letter = bytes[position + 1]
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): copy.append(letter)
        case UInt8(ascii: "b"): copy.append(0x08)
        case UInt8(ascii: "f"): copy.append(0x0C)
        case UInt8(ascii: "n"): copy.append(0x0A)
        case UInt8(ascii: "r"): copy.append(0x0D)
        case UInt8(ascii: "t"): copy.append(0x09)
        case UInt8(ascii: "u"):
            try readUnicodeEscape(into: &copy)
            return
        default: throw syntax("there is no such escape")
        }
        position += 2
    }

    private mutating func readUnicodeEscape(into copy: inout [UInt8]) throws(CodecError) {
        var code = try readHex(at: position)
        if code >> 10 == 0xD800 >> 10 {
            guard position + 12 <= bytes.count, bytes[position + 6] == UInt8(ascii: "\\"),
                bytes[position + 7] == UInt8(ascii: "u")
            else { throw CodecError(.text, "json: a surrogate without its second half", at: position) }
            let low = try readHex(at: position + 6)
            guard low >> 10 == 0xDC00 >> 10 else {
                throw CodecError(.text, "json: a surrogate without its second half", at: position)
            }
            code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            position += 6
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw CodecError(.text, "json: a surrogate without its first half", at: position)
        }
        copy.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
        position += 6
    }

    /// The four hexadecimal digits of the escape at an offset.
    private func readHex(at offset: Int) throws(CodecError) -> UInt32 {
        guard offset + 6 <= bytes.count else { throw syntax("an escape needs four hexadecimal digits") }
        var code: UInt32 = 0
        for index in offset + 2..<offset + 6 {
            let digit: UInt32
            switch bytes[index] {
            case let byte where byte &- 48 < 10: digit = UInt32(byte) - 48
            case let byte where (byte | 0x20) &- 97 < 6: digit = UInt32(byte | 0x20) - 87
            default: throw syntax("an escape needs four hexadecimal digits")
            }
            code = code << 4 | digit
        }
        return code
    }
}

// Whether bytes are valid UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.

enum UTF8Check {
    /// The first byte that is wrong, or nil.
    static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        let end = bytes.count
        while index < end {
            // Eight ASCII bytes at a time.
            while index + 8 <= end, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
                index += 8
            }
            guard index < end else { return nil }
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            let (length, least, most): (Int, UInt8, UInt8)
            switch first {
            case 0xC2...0xDF: (length, least, most) = (2, 0x80, 0xBF)
            case 0xE0: (length, least, most) = (3, 0xA0, 0xBF)
            case 0xED: (length, least, most) = (3, 0x80, 0x9F)
            case 0xE1...0xEF: (length, least, most) = (3, 0x80, 0xBF)
            case 0xF0: (length, least, most) = (4, 0x90, 0xBF)
            case 0xF1...0xF3: (length, least, most) = (4, 0x80, 0xBF)
            case 0xF4: (length, least, most) = (4, 0x80, 0x8F)
            default: return index
            }
            guard index + length <= end, bytes[index + 1] >= least, bytes[index + 1] <= most else { return index }
            for place in 2..<max(2, length) where bytes[index + place] & 0xC0 != 0x80 { return index }
            index += length
        }
        return nil
    }
}

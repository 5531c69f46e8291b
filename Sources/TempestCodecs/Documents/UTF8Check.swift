// Whether bytes are UTF-8: no overlong forms, no surrogates, nothing over U+10FFFF.
// Every reader asks before bytes become text.

/// The rule of UTF-8 (RFC 3629).
enum UTF8Check {
    /// Whether all the bytes are valid UTF-8; ASCII goes eight bytes at a step.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        let end = bytes.count
        while position < end {
            if position + 8 <= end {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                if word & 0x8080_8080_8080_8080 == 0 {
                    position += 8
                    continue
                }
            }
            let first = bytes[position]
            if first < 0x80 {
                position += 1
                continue
            }
            let length: Int
            var low: UInt8 = 0x80
            var high: UInt8 = 0xBF
            switch first {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, low) = (3, 0xA0)
            case 0xED: (length, high) = (3, 0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, low) = (4, 0x90)
            case 0xF1...0xF3: length = 4
            case 0xF4: (length, high) = (4, 0x8F)
            default: return false
            }
            guard position + length <= end, bytes[position + 1] >= low, bytes[position + 1] <= high else { return false }
            var index = 2
            while index < length {
                guard bytes[position + index] & 0xC0 == 0x80 else { return false }
                index += 1
            }
            position += length
        }
        return true
    }
}

// Whether bytes are UTF-8: no overlong forms, no surrogates, nothing over U+10FFFF.
// Every reader asks before bytes become text.

/// The rule of UTF-8 (RFC 3629).
package enum UTF8Check {
    /// What bytes are.
    enum Result {
        case ascii, utf8, invalid
    }

    /// Whether all the bytes are valid UTF-8.
    @inline(__always)
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool { check(bytes) != .invalid }

    /// Whether all the bytes are ASCII, or at least valid UTF-8.
    @inline(__always)
    static func check(_ bytes: UnsafeRawBufferPointer) -> Result {
        guard let start = bytes.baseAddress else { return .ascii }
        let count = bytes.count
        if count >= 8 {
            if count > 32 { return checkLong(start, count) }
            var seen = start.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            var position = 0
            while position &+ 8 <= count {
                seen |= start.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                position &+= 8
            }
            return seen & high == 0 ? .ascii : checkOther(start, 0, count)
        }
        var seen: UInt64 = 0
        if count >= 4 {
            seen = UInt64(start.loadUnaligned(as: UInt32.self) | start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
        } else {
            for position in 0..<count { seen |= UInt64(start.load(fromByteOffset: position, as: UInt8.self)) }
        }
        return seen & high == 0 ? .ascii : checkOther(start, 0, count)
    }

    private static let high: UInt64 = 0x8080_8080_8080_8080

    /// Long texts: ASCII goes 32 bytes at a step, up to the first other character.
    @inline(never)
    private static func checkLong(_ start: UnsafeRawPointer, _ count: Int) -> Result {
        var position = 0
        while position &+ 32 <= count {
            let block = ByteBlock.load(start, position) | ByteBlock.load(start, position &+ 16)
            if !block.isASCII { return checkOther(start, position, count) }
            position &+= 32
        }
        let last = ByteBlock.load(start, count &- 32) | ByteBlock.load(start, count &- 16)
        return last.isASCII ? .ascii : checkOther(start, position, count)
    }

    /// From a place on before which there is only ASCII.
    @inline(never)
    private static func checkOther(_ start: UnsafeRawPointer, _ from: Int, _ count: Int) -> Result {
        var position = from
        // Blocks look three bytes back.
        while position < 3, position < count {
            guard let next = character(start, position, count) else { return .invalid }
            position = next
        }
        if position &+ 16 <= count {
            guard let checked = blocks(start, position, count) else { return .invalid }
            position = checked
        }
        while position < count {
            guard let next = character(start, position, count) else { return .invalid }
            position = next
        }
        return .utf8
    }

    /// Checks blocks of 16 bytes from a character's beginning on; hands out the beginning of the character in which they end, nil if
    /// they are not valid. Each byte is compared with the three before it, for all sixteen at once.
    private static func blocks(_ start: UnsafeRawPointer, _ from: Int, _ count: Int) -> Int? {
        var position = from
        var wrong = SIMDMask<SIMD16<Int8>>(repeating: false)
        while position &+ 16 <= count {
            let bytes = ByteBlock.load(start, position)
            let third = ByteBlock.load(start, position &- 3)
            if !(bytes | third).isASCII {
                let first = ByteBlock.load(start, position &- 1)
                let second = ByteBlock.load(start, position &- 2)
                let continues = (bytes & .all(0xC0)) .== .all(0x80)
                let must = (first .>= .all(0xC0)) .| (second .>= .all(0xE0)) .| (third .>= .all(0xF0))
                wrong = wrong .| (continues .^ must)
                // Bytes that begin nothing, and second bytes that make overlong forms, surrogates, or more than U+10FFFF.
                wrong = wrong .| ((bytes & .all(0xFE)) .== .all(0xC0)) .| (bytes .>= .all(0xF5))
                wrong = wrong .| ((first .== .all(0xE0)) .& (bytes .< .all(0xA0)))
                wrong = wrong .| ((first .== .all(0xED)) .& (bytes .>= .all(0xA0)))
                wrong = wrong .| ((first .== .all(0xF0)) .& (bytes .< .all(0x90)))
                wrong = wrong .| ((first .== .all(0xF4)) .& (bytes .>= .all(0x90)))
            }
            position &+= 16
        }
        guard wrong.isEmpty else { return nil }
        // The last character may go on after the blocks: back to where it begins.
        var back = 0
        while back < 3, position &- back > from, start.load(fromByteOffset: position &- back &- 1, as: UInt8.self) & 0xC0 == 0x80
        {
            back &+= 1
        }
        if position &- back > from, start.load(fromByteOffset: position &- back &- 1, as: UInt8.self) >= 0xC0 { back &+= 1 }
        return position &- back
    }

    /// Where the character ends that begins at a position; nil if it is none.
    @inline(__always)
    private static func character(_ start: UnsafeRawPointer, _ position: Int, _ count: Int) -> Int? {
        func byte(_ offset: Int) -> UInt8 { start.load(fromByteOffset: position &+ offset, as: UInt8.self) }
        let first = byte(0)
        if first < 0x80 { return position &+ 1 }
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
        default: return nil
        }
        guard position &+ length <= count, byte(1) >= low, byte(1) <= high else { return nil }
        if length > 2, byte(2) & 0xC0 != 0x80 { return nil }
        if length > 3, byte(3) & 0xC0 != 0x80 { return nil }
        return position &+ length
    }
}

// Text as JSON quotes it: the few escapes that must be, in their shortest form.
// Used by the JSON writer and where values are printed.

/// Quoting of text in JSON.
enum JSONText {
    /// Appends valid UTF-8 between quotation marks.
    @inline(__always)
    static func append(_ utf8: UnsafeRawBufferPointer, to output: inout OutputBuffer) {
        guard let start = utf8.baseAddress else { return output.append("\"\"") }
        let count = utf8.count
        var position = 0
        output.write(upTo: count &+ 2 &+ slack) { place in
            place.pointee = UInt8(ascii: "\"")
            position = copyPlain(start, 0, count, to: UnsafeMutableRawPointer(place + 1))
            guard position == count else { return position &+ 1 }
            place[count &+ 1] = UInt8(ascii: "\"")
            return count &+ 2
        }
        if position < count { appendRest(start, position, count, to: &output) }
    }

    /// The same for the bytes of a small string; false if something must be escaped, and nothing is written then.
    @inline(__always)
    static func append(small bits: SmallText.Bits, to output: inout OutputBuffer) -> Bool {
        let count = bits.count
        let low = count < 8 ? bits.low | ByteWord.spaces(after: count) : bits.low
        let high = bits.high & 0x00FF_FFFF_FFFF_FFFF | ByteWord.spaces(after: count > 8 ? count &- 8 : 0)
        guard JSONScan.special(low) | JSONScan.special(high) == 0 else { return false }
        output.write(upTo: 24) { place in
            let raw = UnsafeMutableRawPointer(place)
            place[0] = UInt8(ascii: "\"")
            raw.storeBytes(of: low, toByteOffset: 1, as: UInt64.self)
            raw.storeBytes(of: high, toByteOffset: 9, as: UInt64.self)
            place[count &+ 1] = UInt8(ascii: "\"")
            return count &+ 2
        }
        return true
    }

    /// The text between quotation marks.
    static func quoted(_ text: String) -> String {
        var text = text
        var output = OutputBuffer()
        text.withUTF8 { append(UnsafeRawBufferPointer($0), to: &output) }
        return String(decoding: output.finish(), as: UTF8.self)
    }

    /// How much more than it keeps ``copyPlain(_:_:_:to:)`` may write.
    private static let slack = 16

    /// Copies bytes up to the first that must be escaped, whole words at a step; hands out where that stands, or `count`.
    @inline(__always)
    private static func copyPlain(_ source: UnsafeRawPointer, _ from: Int, _ count: Int, to place: UnsafeMutableRawPointer) -> Int
    {
        var position = from
        var place = place
        if count &- from >= 32 {
            let plain = copyBlocks(source, from, count, to: place)
            place += plain &- position
            position = plain
        }
        while position &+ 8 <= count {
            let word = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            place.storeBytes(of: word, as: UInt64.self)
            let special = JSONScan.special(word)
            if special != 0 { return position &+ special.trailingZeroBitCount >> 3 }
            position &+= 8
            place += 8
        }
        let left = count &- position
        if left == 0 { return count }
        // What is missing to eight bytes is filled with spaces.
        let word = ByteWord.load(source + position, left)
        place.storeBytes(of: word, as: UInt64.self)
        let special = JSONScan.special(word | ByteWord.spaces(after: left))
        return special == 0 ? count : position &+ special.trailingZeroBitCount >> 3
    }

    /// The same for blocks of 32 bytes, up to one with something to escape.
    @inline(never)
    private static func copyBlocks(
        _ source: UnsafeRawPointer, _ from: Int, _ count: Int, to place: UnsafeMutableRawPointer
    ) -> Int {
        var position = from
        while position &+ 32 <= count {
            let first = ByteBlock.load(source, position)
            let second = ByteBlock.load(source, position &+ 16)
            guard (JSONScan.special(first) .| JSONScan.special(second)).isEmpty else { return position }
            place.storeBytes(of: first, toByteOffset: position &- from, as: ByteBlock.self)
            place.storeBytes(of: second, toByteOffset: position &- from &+ 16, as: ByteBlock.self)
            position &+= 32
        }
        return position
    }

    /// Goes on from a byte that must be escaped.
    @inline(never)
    private static func appendRest(_ source: UnsafeRawPointer, _ from: Int, _ count: Int, to output: inout OutputBuffer) {
        var position = from
        while position < count {
            output.write(upTo: 6) { escape(source.load(fromByteOffset: position, as: UInt8.self), to: $0) }
            let start = position + 1
            output.write(upTo: count - start + slack) {
                position = copyPlain(source, start, count, to: UnsafeMutableRawPointer($0))
                return position - start
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, to place: UnsafeMutablePointer<UInt8>) -> Int {
        place[0] = UInt8(ascii: "\\")
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): place[1] = byte
        case 0x08: place[1] = UInt8(ascii: "b")
        case 0x09: place[1] = UInt8(ascii: "t")
        case 0x0A: place[1] = UInt8(ascii: "n")
        case 0x0C: place[1] = UInt8(ascii: "f")
        case 0x0D: place[1] = UInt8(ascii: "r")
        default:
            place[1] = UInt8(ascii: "u")
            place[2] = UInt8(ascii: "0")
            place[3] = UInt8(ascii: "0")
            place[4] = 48 + byte >> 4
            place[5] = byte & 15 < 10 ? 48 + byte & 15 : 87 + byte & 15
            return 6
        }
        return 2
    }
}

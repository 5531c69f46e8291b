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

    /// The same for the bytes of a small string, with a colon after it for a key and a comma before it for a key that is not the first;
    /// false if something must be escaped, and nothing is written then.
    @inline(__always)
    static func append(
        small bits: SmallText.Bits, comma: Bool = false, colon: Bool = false, to output: inout OutputBuffer
    ) -> Bool {
        let count = bits.count
        let block = unsafeBitCast(bits, to: ByteBlock.self)
        // After the text there are zeros, which would have to be escaped if they were part of it: the first such byte tells.
        guard JSONScan.first(JSONScan.special(block)) >= count else { return false }
        output.write(upTo: 24) { start in
            var place = start
            if comma {
                place.pointee = UInt8(ascii: ",")
                place += 1
            }
            place.pointee = UInt8(ascii: "\"")
            UnsafeMutableRawPointer(place + 1).storeBytes(of: block, as: ByteBlock.self)
            place += count &+ 1
            place.pointee = UInt8(ascii: "\"")
            if colon {
                place += 1
                place.pointee = UInt8(ascii: ":")
            }
            return place + 1 - start
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
    private static func copyPlain(
        _ source: UnsafeRawPointer, _ from: Int, _ count: Int, to start: UnsafeMutableRawPointer
    ) -> Int {
        var position = from
        // So that a position in the source is one in the output.
        let place = start - from
        while position &+ 16 <= count {
            let block = ByteBlock.load(source, position)
            place.storeBytes(of: block, toByteOffset: position, as: ByteBlock.self)
            let special = JSONScan.special(block)
            if !special.isEmpty { return position &+ JSONScan.first(special) }
            position &+= 16
        }
        if position &+ 8 <= count {
            let word = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            place.storeBytes(of: word, toByteOffset: position, as: UInt64.self)
            let special = JSONScan.special(word)
            if special != 0 { return position &+ special.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        let left = count &- position
        if left == 0 { return count }
        // What is missing to eight bytes is zero and comes last.
        let word = ByteWord.load(source + position, left)
        place.storeBytes(of: word, toByteOffset: position, as: UInt64.self)
        return min(count, position &+ JSONScan.special(word).trailingZeroBitCount >> 3)
    }

    /// Goes on from a byte that must be escaped.
    @inline(never)
    private static func appendRest(_ source: UnsafeRawPointer, _ from: Int, _ count: Int, to output: inout OutputBuffer) {
        var position = from
        while position < count {
            // Room for all that is left and for some escapes: one question for all of them.
            let escapes = 64
            output.write(upTo: count &- position &+ 6 &* escapes &+ slack) { start in
                var place = start
                var left = escapes
                while position < count, left > 0 {
                    place += escape(source.load(fromByteOffset: position, as: UInt8.self), to: place)
                    left &-= 1
                    let plain = position &+ 1
                    position = copyPlain(source, plain, count, to: UnsafeMutableRawPointer(place))
                    place += position &- plain
                }
                return place - start
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// What stands after the backslash of an escaped byte, up to the backslash itself: all in one table, so that there is no branch that
    /// cannot be foretold.
    private static let letters: StaticString =
        "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\"

    @inline(__always)
    private static func escape(_ byte: UInt8, to place: UnsafeMutablePointer<UInt8>) -> Int {
        let letter = letters.utf8Start[Int(byte)]
        place[0] = UInt8(ascii: "\\")
        place[1] = letter
        return letter == UInt8(ascii: "u") ? 2 + writeCode(byte, to: place + 2) : 2
    }

    @inline(never)
    private static func writeCode(_ byte: UInt8, to place: UnsafeMutablePointer<UInt8>) -> Int {
        place[0] = UInt8(ascii: "0")
        place[1] = UInt8(ascii: "0")
        place[2] = 48 + byte >> 4
        place[3] = byte & 15 < 10 ? 48 + byte & 15 : 87 + byte & 15
        return 4
    }
}

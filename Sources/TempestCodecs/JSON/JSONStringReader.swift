// Strings of JSON: a range of the source where nothing is escaped, else a copy without the escapes.
// Part of the JSON reader.

extension JSONReader {
    /// Reads a string, from one quotation mark to the other.
    @inline(__always)
    mutating func readString(_ position: inout Int, flags: UInt8) throws(CodecError) -> Entry {
        let input = input
        let source = input.source
        let start = position &+ 1
        var seen: UInt64 = 0
        let stop = input.plainEnd(start, &seen)
        guard stop < input.end, source[stop] == UInt8(ascii: "\"") else {
            return try readEscaped(&position, stop, seen, flags: flags)
        }
        let isASCII = seen & 0x8080_8080_8080_8080 == 0
        if !isASCII { try input.checkText(start, stop, position) }
        let entry = Entry(
            .text, offset: position, start: start, length: stop &- start, flags: isASCII ? flags | Entry.isASCII : flags)
        position = stop &+ 1
        return entry
    }

    /// Reads a string that has escapes, or that is none; `stop` is where its plain beginning ends, `seen` all bytes of that.
    @inline(never)
    private mutating func readEscaped(
        _ position: inout Int, _ stop: Int, _ seen: UInt64, flags: UInt8
    ) throws(CodecError) -> Entry {
        let (input, offset, first) = (input, position, unescaped.count)
        var (plain, stop, seen) = (offset &+ 1, stop, seen)
        var isASCII = true
        while true {
            guard stop < input.end else { throw input.syntax("the bytes end inside of a string", input.end) }
            let isEscape = input.source[stop] == UInt8(ascii: "\\")
            let (code, next) = isEscape ? try input.readEscape(at: stop) : (0, stop)
            // What is plain, what is escaped, and what is copied beyond.
            unescaped.write(upTo: stop &- plain &+ 20) { place in
                let count = input.copy(plain, stop, to: place)
                return isEscape ? count &+ Self.write(code, to: place + count) : count
            }
            guard isEscape else { break }
            if code >= 0x80 { isASCII = false }
            plain = next
            stop = input.plainEnd(plain, &seen)
        }
        guard input.source[stop] == UInt8(ascii: "\"") else {
            throw input.syntax("a control character in a string must be escaped", stop)
        }
        position = stop &+ 1
        let length = unescaped.count &- first
        // What was escaped is a scalar, and begins no other's bytes.
        if seen & 0x8080_8080_8080_8080 != 0 {
            isASCII = false
            let text = UnsafeRawBufferPointer(start: unescaped.start + first, count: length)
            guard UTF8Check.isValid(text) else { throw input.notText(offset) }
        }
        let side = flags | Entry.inSide
        return Entry(.text, offset: offset, start: first, length: length, flags: isASCII ? side | Entry.isASCII : side)
    }

    /// Writes a scalar as UTF-8; hands out how many bytes, up to 4.
    @inline(__always)
    private static func write(_ code: UInt32, to place: UnsafeMutablePointer<UInt8>) -> Int {
        func put(_ index: Int, _ byte: UInt32) { place[index] = UInt8(truncatingIfNeeded: byte) }
        func put(_ index: Int, following bits: UInt32) { put(index, 0x80 | bits & 0x3F) }
        if code < 0x80 {
            put(0, code)
            return 1
        }
        if code < 0x800 {
            put(0, 0xC0 | code >> 6)
            put(1, following: code)
            return 2
        }
        if code < 0x10000 {
            put(0, 0xE0 | code >> 12)
            put(1, following: code >> 6)
            put(2, following: code)
            return 3
        }
        put(0, 0xF0 | code >> 18)
        put(1, following: code >> 12)
        put(2, following: code >> 6)
        put(3, following: code)
        return 4
    }
}

extension JSONInput {
    /// What stands at a backslash, and where the text goes on.
    @inline(__always)
    fileprivate func readEscape(at offset: Int) throws(CodecError) -> (code: UInt32, next: Int) {
        guard offset + 1 < end else { throw syntax("the bytes end inside of a string", offset) }
        let code: UInt32
        switch source[offset + 1] {
        case UInt8(ascii: "\""): code = 0x22
        case UInt8(ascii: "\\"): code = 0x5C
        case UInt8(ascii: "/"): code = 0x2F
        case UInt8(ascii: "b"): code = 0x08
        case UInt8(ascii: "f"): code = 0x0C
        case UInt8(ascii: "n"): code = 0x0A
        case UInt8(ascii: "r"): code = 0x0D
        case UInt8(ascii: "t"): code = 0x09
        case UInt8(ascii: "u"): return try readUnicodeEscape(at: offset)
        default: throw syntax("there is no such escape", offset)
        }
        return (code, offset &+ 2)
    }

    private func readUnicodeEscape(at offset: Int) throws(CodecError) -> (code: UInt32, next: Int) {
        var code = try readHex(at: offset)
        var next = offset + 6
        if code >> 10 == 0xD800 >> 10 {
            guard next + 6 <= end, source[next] == UInt8(ascii: "\\"), source[next + 1] == UInt8(ascii: "u") else {
                throw CodecError(.text, "json: a surrogate without its second half", at: offset)
            }
            let low = try readHex(at: next)
            guard low >> 10 == 0xDC00 >> 10 else {
                throw CodecError(.text, "json: a surrogate without its second half", at: offset)
            }
            code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            next += 6
        }
        guard code >> 10 != 0xDC00 >> 10 else {
            throw CodecError(.text, "json: a surrogate without its first half", at: offset)
        }
        return (code, next)
    }

    /// Copies the bytes from one place up to another; may write 16 bytes more.
    @inline(__always)
    fileprivate func copy(_ from: Int, _ to: Int, to place: UnsafeMutablePointer<UInt8>) -> Int {
        let target = UnsafeMutableRawPointer(place)
        let count = to &- from
        if count <= 16, from &+ 16 <= end {
            target.storeBytes(of: ByteBlock.load(source, from), as: ByteBlock.self)
        } else {
            target.copyMemory(from: source + from, byteCount: count)
        }
        return count
    }

    /// Where the first quotation mark, backslash or control character stands; the end if there is none. `seen`: all bytes before it.
    @inline(__always)
    fileprivate func plainEnd(_ start: Int, _ seen: inout UInt64) -> Int {
        var position = start
        let raw = UnsafeRawPointer(source)
        while position &+ 8 <= end {
            let plain = Self.plainCount(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self), &seen)
            position &+= plain
            if plain < 8 { return position }
            if position &- start == 32 { return longPlainEnd(position, &seen) }
        }
        return lastPlainEnd(position, &seen)
    }

    /// How many of eight bytes come before the first of those; they are added to `seen`.
    @inline(__always)
    private static func plainCount(_ word: UInt64, _ seen: inout UInt64) -> Int {
        let special = JSONScan.special(word)
        if special == 0 {
            seen |= word
            return 8
        }
        let bits = special.trailingZeroBitCount & 0x38
        seen |= word & ((1 &<< UInt64(truncatingIfNeeded: bits)) &- 1)
        return bits >> 3
    }

    /// The same for long texts: 16 bytes at a step.
    @inline(never)
    private func longPlainEnd(_ start: Int, _ seen: inout UInt64) -> Int {
        var position = start
        var all = ByteBlock.all(0)
        let raw = UnsafeRawPointer(source)
        while position &+ 16 <= end {
            let block = ByteBlock.load(raw, position)
            guard JSONScan.special(block).isEmpty else { break }
            all = all | block
            position &+= 16
        }
        let halves = unsafeBitCast(all, to: SIMD2<UInt64>.self)
        seen |= halves[0] | halves[1]
        while position &+ 8 <= end {
            let plain = Self.plainCount(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self), &seen)
            position &+= plain
            if plain < 8 { return position }
        }
        return lastPlainEnd(position, &seen)
    }

    /// The same for the last seven bytes of the source.
    @inline(never)
    private func lastPlainEnd(_ start: Int, _ seen: inout UInt64) -> Int {
        var position = start
        while position < end {
            let byte = source[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return position }
            seen |= UInt64(byte)
            position &+= 1
        }
        return end
    }

    /// The four hexadecimal digits of the escape at an offset.
    fileprivate func readHex(at offset: Int) throws(CodecError) -> UInt32 {
        guard offset + 6 <= end else { throw syntax("an escape needs four hexadecimal digits", offset) }
        var code: UInt32 = 0
        for index in offset + 2..<offset + 6 {
            let digit: UInt32
            switch source[index] {
            case let byte where byte &- 48 < 10: digit = UInt32(byte) - 48
            case let byte where (byte | 0x20) &- 97 < 6: digit = UInt32(byte | 0x20) - 87
            default: throw syntax("an escape needs four hexadecimal digits", offset)
            }
            code = code << 4 | digit
        }
        return code
    }

    @inline(__always)
    fileprivate func checkText(_ start: Int, _ stop: Int, _ offset: Int) throws(CodecError) {
        guard UTF8Check.isValid(UnsafeRawBufferPointer(start: source + start, count: stop &- start)) else {
            throw notText(offset)
        }
    }

    @inline(never)
    fileprivate func notText(_ offset: Int) -> CodecError {
        CodecError(.text, "json: text that is not valid UTF-8", at: offset)
    }
}

/// Looking at eight or sixteen bytes of text at a step.
enum JSONScan {
    /// The high bit of every byte that is a quotation mark, a backslash or a control character (bytes after the first such one may
    /// be marked wrongly); bytes of 0x80 and more are not.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let control = (word &- ones &* 0x20) & ~word
        return (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | control) & high
    }

    /// Which of 16 bytes are such.
    @inline(__always)
    static func special(_ block: ByteBlock) -> SIMDMask<SIMD16<Int8>> {
        (block .== .all(0x22)) .| (block .== .all(0x5C)) .| (block .< .all(0x20))
    }

    /// The place of the first such byte; 16 if there is none.
    @inline(__always)
    static func first(_ special: SIMDMask<SIMD16<Int8>>) -> Int {
        let halves = unsafeBitCast(special, to: SIMD2<UInt64>.self)
        // Without a branch: which half it is cannot be foretold.
        let isInSecond: UInt64 = halves[0] == 0 ? 1 : 0
        let half = halves[0] | (halves[1] & (0 &- isInSecond))
        return Int(truncatingIfNeeded: isInSecond &<< 3) &+ half.trailingZeroBitCount >> 3
    }
}

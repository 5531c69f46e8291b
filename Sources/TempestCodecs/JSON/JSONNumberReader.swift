// Numbers of JSON: digits alone are an integer, a point or an exponent makes a float.
// Part of the JSON reader.

extension JSONInput {
    /// Reads a number, at whose minus sign or first digit the position is.
    @inline(__always)
    func readNumber(_ position: inout Int) throws(CodecError) -> Entry {
        let start = position
        let isNegative = source[start] == UInt8(ascii: "-")
        let first = isNegative ? start &+ 1 : start
        var index = first
        var mantissa: UInt64 = 0
        while index < end, source[index] &- 48 < 10 {
            mantissa = mantissa &* 10 &+ UInt64(source[index] &- 48)
            index &+= 1
        }
        let digits = index &- first
        guard digits > 0 else { throw number("a minus sign without digits", start) }
        guard digits == 1 || source[first] != UInt8(ascii: "0") else { throw number("a number with a leading zero", start) }
        if index < end, source[index] == UInt8(ascii: ".") || source[index] | 0x20 == UInt8(ascii: "e") {
            return try readFloat(&position, mantissa, first, index)
        }
        position = index
        // 18 digits always fit; so does their negative.
        if digits <= 18 {
            let value = Int64(bitPattern: mantissa)
            return Entry(.int, offset: start, payload: UInt64(bitPattern: isNegative ? 0 &- value : value))
        }
        return try longInteger(first, index, isNegative, start)
    }

    @inline(never)
    private func longInteger(_ first: Int, _ stop: Int, _ isNegative: Bool, _ start: Int) throws(CodecError) -> Entry {
        let digits = UnsafeRawBufferPointer(start: source + first, count: stop - first)
        switch IntegerText.parse(digits, isNegative: isNegative) {
        case .int(let value): return Entry(.int, offset: start, payload: UInt64(bitPattern: value))
        case .uint(let value): return Entry(.uint, offset: start, payload: value)
        case .outOfRange: throw number("an integer beyond -2^63 to 2^64-1", start)
        }
    }

    /// Reads on from the digits before the point, whose worth is `mantissa` (if they are not too many).
    private func readFloat(_ position: inout Int, _ mantissa: UInt64, _ first: Int, _ stop: Int) throws(CodecError) -> Entry {
        let start = position
        var mantissa = mantissa
        var index = stop
        var digits = stop - first
        var scale = 0
        if source[index] == UInt8(ascii: ".") {
            index &+= 1
            let fraction = index
            let raw = UnsafeRawPointer(source)
            while index &+ 8 <= end {
                let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                guard FloatReading.areDigits(word) else { break }
                mantissa = mantissa &* 100_000_000 &+ FloatReading.worth(word)
                index &+= 8
            }
            while index < end, source[index] &- 48 < 10 {
                mantissa = mantissa &* 10 &+ UInt64(source[index] &- 48)
                index &+= 1
            }
            guard index > fraction else { throw number("a point without digits after it", start) }
            scale = fraction &- index
            digits &+= index &- fraction
        }
        if index < end, source[index] | 0x20 == UInt8(ascii: "e") {
            index &+= 1
            var isNegative = false
            if index < end, source[index] == UInt8(ascii: "+") || source[index] == UInt8(ascii: "-") {
                isNegative = source[index] == UInt8(ascii: "-")
                index &+= 1
            }
            let exponentStart = index
            var exponent = 0
            while index < end, source[index] &- 48 < 10 {
                if exponent < 1_000_000_000 { exponent = exponent &* 10 &+ Int(source[index] &- 48) }
                index &+= 1
            }
            guard index > exponentStart else { throw number("an exponent without digits", start) }
            scale &+= isNegative ? 0 &- exponent : exponent
        }
        let text = UnsafeRawBufferPointer(start: source + start, count: index &- start)
        guard let value = FloatReading.value(mantissa, digits: digits, scale: scale, text: text) else {
            throw number("a float beyond the largest", start)
        }
        position = index
        return Entry(.double, offset: start, payload: value.bitPattern)
    }

    @inline(never)
    private func number(_ message: String, _ offset: Int) -> CodecError {
        CodecError(.number, "json: \(message)", at: offset)
    }
}

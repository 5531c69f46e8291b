// Floats from their digits: the nearest float to any decimal number, mostly by one multiplication.
// JSON and tnetstring readers check the grammar, add the digits up, and come here for the value.

/// Reading floats (D. Lemire, "Number Parsing at a Gigabyte per Second", 2021).
enum FloatReading {
    /// Whether eight bytes are digits.
    @inline(__always)
    static func areDigits(_ word: UInt64) -> Bool {
        let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0
        return (word & high) | (((word &+ 0x0606_0606_0606_0606) & high) >> 4) == 0x3333_3333_3333_3333
    }

    /// What eight digits are worth, the first in the lowest byte.
    @inline(__always)
    static func worth(_ word: UInt64) -> UInt64 {
        let pairs = (word &- 0x3030_3030_3030_3030)
        let hundreds = (pairs &* 10) &+ (pairs >> 8)
        let left = (hundreds & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let right = ((hundreds >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (left &+ right) >> 32
    }

    /// The float nearest to `mantissa` times ten to the power of `scale`; nil if it is beyond the largest.
    ///
    /// `text` is the whole number, `-?digits[.digits][(e|E)[+-]digits]`; `digits`: how many digits the mantissa was made of. More than
    /// 19 (leading zeros do not count) may not fit it: then the text is read.
    static func value(_ mantissa: UInt64, digits: Int, scale: Int, text: UnsafeRawBufferPointer) -> Double? {
        let isNegative = text[0] == UInt8(ascii: "-")
        if digits > 19, significant(text) > 19 { return exact(text) }
        guard let magnitude = nearest(mantissa, scale) else { return nil }
        return isNegative ? -magnitude : magnitude
    }

    /// The float nearest to a text of the form `-?digits[.digits][(e|E)[+-]digits]`, which the caller has checked; nil if it is beyond
    /// the largest.
    static func value(of text: UnsafeRawBufferPointer) -> Double? {
        var mantissa: UInt64 = 0
        var digits = 0
        var scale = 0
        var index = text[0] == UInt8(ascii: "-") ? 1 : 0
        var isFraction = false
        while index < text.count, text[index] | 0x20 != UInt8(ascii: "e") {
            if text[index] == UInt8(ascii: ".") {
                isFraction = true
            } else {
                mantissa = mantissa &* 10 &+ UInt64(text[index] &- 48)
                digits += 1
                if isFraction { scale -= 1 }
            }
            index += 1
        }
        if index < text.count {
            index += 1
            let isNegative = text[index] == UInt8(ascii: "-")
            if isNegative || text[index] == UInt8(ascii: "+") { index += 1 }
            var exponent = 0
            while index < text.count, exponent < 1_000_000_000 {
                exponent = exponent * 10 + Int(text[index] &- 48)
                index += 1
            }
            scale += isNegative ? -exponent : exponent
        }
        return value(mantissa, digits: digits, scale: scale, text: text)
    }

    /// Digits from the first that is not zero up to the exponent.
    private static func significant(_ text: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in text {
            if byte | 0x20 == UInt8(ascii: "e") { break }
            if byte &- 48 < 10, byte != UInt8(ascii: "0") || count > 0 { count += 1 }
        }
        return count
    }

    /// The standard library's way: right for any number of digits, and slow.
    @inline(never)
    private static func exact(_ text: UnsafeRawBufferPointer) -> Double? {
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    private static let smallPowers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]

    private static func nearest(_ mantissa: UInt64, _ scale: Int) -> Double? {
        // Both are exact floats: one operation rounds once, rightly.
        if mantissa < 1 << 53, scale >= -22, scale <= 22 {
            return scale < 0 ? Double(mantissa) / smallPowers[-scale] : Double(mantissa) * smallPowers[scale]
        }
        if mantissa == 0 || scale < PowersOfTen.lowest { return 0 }
        if scale > 308 { return nil }
        return product(mantissa, scale)
    }

    /// The leading 64 bits of the product of mantissa and power say which float is nearest; where they leave a doubt, the next 64 do.
    private static func product(_ mantissa: UInt64, _ scale: Int) -> Double? {
        let leadingZeros = mantissa.leadingZeroBitCount
        let normalized = mantissa << UInt64(leadingZeros)
        let power = PowersOfTen.bits(scale)
        var (high, low) = normalized.multipliedFullWidth(by: power.high)
        if high & 0x1FF == 0x1FF {
            let second = normalized.multipliedFullWidth(by: power.low).high
            low = low &+ second
            if second > low { high &+= 1 }
        }
        let upperBit = Int(high >> 63)
        let shift = UInt64(upperBit + 9)
        var bits = high >> shift
        // 217706 / 2^16 is the logarithm of 10 to the base 2, closely enough for these powers.
        var exponent = ((217_706 * scale) >> 16) + 63 + upperBit - leadingZeros + 1023
        if exponent <= 0 {
            // Below the smallest normal float.
            if 1 - exponent >= 64 { return 0 }
            bits >>= UInt64(1 - exponent)
            bits = (bits + (bits & 1)) >> 1
            return Double(bitPattern: bits)
        }
        // Exactly between two floats: to the even one. It can be so only for powers that 64 bits hold exactly.
        if low <= 1, scale >= -4, scale <= 23, bits & 3 == 1, bits << shift == high { bits &= ~1 }
        bits = (bits + (bits & 1)) >> 1
        if bits >= 1 << 53 {
            bits = 1 << 52
            exponent += 1
        }
        guard exponent < 0x7FF else { return nil }
        return Double(bitPattern: UInt64(exponent) << 52 | bits & ((1 << 52) - 1))
    }
}

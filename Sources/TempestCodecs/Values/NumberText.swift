// Integers and floats from and to their digits, without the C library and its locale.
// JSON and tnetstring readers check the grammar first and come here for the value.

/// The digits of integers.
enum IntegerText {
    /// Appends the digits of an integer.
    @inline(__always)
    static func append(_ value: UInt64, to output: inout [UInt8]) {
        if value < 10 {
            output.append(48 + UInt8(truncatingIfNeeded: value))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var place = 20
            while rest > 0 {
                place -= 1
                digits[place] = 48 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            output.append(contentsOf: UnsafeMutableBufferPointer(rebasing: digits[place...]))
        }
    }

    /// Appends an integer with its sign.
    @inline(__always)
    static func append(_ value: Int64, to output: inout [UInt8]) {
        if value < 0 { output.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &output)
    }

    /// What digits (and nothing else) are worth.
    enum Parsed {
        case int(Int64)
        case uint(UInt64)
        case outOfRange
    }

    /// The value of one digit or more; out of range below -2^63 and above 2^64-1.
    @inline(__always)
    static func parse(_ digits: UnsafeRawBufferPointer, isNegative: Bool) -> Parsed {
        var value: UInt64 = 0
        if digits.count < 19 {
            for digit in digits { value = value &* 10 &+ UInt64(digit &- 48) }
        } else {
            guard digits.count <= 20 else { return .outOfRange }
            for digit in digits {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit &- 48))
                guard !overflow, !carry else { return .outOfRange }
                value = sum
            }
        }
        if !isNegative { return value > UInt64(Int64.max) ? .uint(value) : .int(Int64(value)) }
        guard value <= 1 << 63 else { return .outOfRange }
        return .int(value == 1 << 63 ? Int64.min : -Int64(value))
    }
}

extension FloatText {
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]

    /// The float nearest to a text of the form `-?digits[.digits][(e|E)[+-]digits]`, which the caller has checked; nil if it is
    /// beyond the largest float.
    static func parse(_ text: UnsafeRawBufferPointer) -> Double? {
        if let fast = parseShort(text) { return fast }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// Up to 15 digits and a power of ten up to 22 are exact floats both, so that one operation rounds once, rightly.
    private static func parseShort(_ text: UnsafeRawBufferPointer) -> Double? {
        guard text.count <= 24 else { return nil }
        var mantissa: UInt64 = 0
        var digits = 0
        var scale = 0
        var afterPoint = false
        var index = text[0] == UInt8(ascii: "-") ? 1 : 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                afterPoint = true
            } else if byte >= 48 && byte <= 57 {
                mantissa = mantissa &* 10 &+ UInt64(byte &- 48)
                if mantissa > 0 { digits += 1 }
                if afterPoint { scale -= 1 }
            } else {
                break
            }
            index += 1
        }
        guard digits <= 15 else { return nil }
        if index < text.count {
            index += 1
            let isNegative = text[index] == UInt8(ascii: "-")
            if isNegative || text[index] == UInt8(ascii: "+") { index += 1 }
            var exponent = 0
            while index < text.count, exponent < 1000 {
                exponent = exponent * 10 + Int(text[index] &- 48)
                index += 1
            }
            scale += isNegative ? -exponent : exponent
        }
        guard scale >= -22, scale <= 22 else { return nil }
        let magnitude = scale < 0 ? Double(mantissa) / powersOfTen[-scale] : Double(mantissa) * powersOfTen[scale]
        return text[0] == UInt8(ascii: "-") ? -magnitude : magnitude
    }
}

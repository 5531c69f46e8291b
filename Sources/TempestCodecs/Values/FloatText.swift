// The text of a float, the same in JSON and tnetstring and in every language (codecs.md, "Floats").
// Written by both writers; read back by NumberText.

/// Floats as text: the fewest digits that read back to the same float, always with a point.
enum FloatText {
    /// The text of a finite float.
    static func text(_ value: Double) -> String {
        var bytes: [UInt8] = []
        append(value, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the text of a finite float; at most 25 bytes.
    static func append(_ value: Double, to output: inout [UInt8]) {
        if value.sign == .minus { output.append(UInt8(ascii: "-")) }
        let magnitude = value.magnitude
        // Up to 2^53 the digits of the integer are the fewest that there are. (`rounded` would ask for libm.)
        if magnitude < 9_007_199_254_740_992, magnitude == Double(UInt64(magnitude)) {
            IntegerText.append(UInt64(magnitude), to: &output)
            output.append(UInt8(ascii: "."))
            output.append(UInt8(ascii: "0"))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
            let (count, exponent) = decompose(magnitude, into: digits)
            // The value is 0.d1d2… times ten to the power of `exponent`.
            if exponent > -7 && exponent <= 21 {
                appendPositional(digits, count, exponent, to: &output)
            } else {
                appendScientific(digits, count, exponent - 1, to: &output)
            }
        }
    }

    /// The digits that the standard library prints, without zeros at either end, and where the point stands.
    private static func decompose(_ magnitude: Double, into digits: UnsafeMutableBufferPointer<UInt8>) -> (Int, Int) {
        var count = 0
        var point: Int?
        var exponent = 0
        var inExponent = false
        var isNegative = false
        var seen = 0
        for byte in magnitude.description.utf8 {
            switch byte {
            case UInt8(ascii: "."): point = seen
            case UInt8(ascii: "e"): inExponent = true
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "+"): break
            default:
                let digit = Int(byte) - 48
                if inExponent {
                    exponent = exponent * 10 + digit
                } else {
                    seen += 1
                    // Zeros before the first digit move the point only.
                    if digit != 0 || count > 0 {
                        digits[count] = byte
                        count += 1
                    }
                }
            }
        }
        let leadingZeros = seen - count
        let place = (point ?? seen) - leadingZeros + (isNegative ? -exponent : exponent)
        while count > 1, digits[count - 1] == UInt8(ascii: "0") { count -= 1 }
        return (count, place)
    }

    private static func appendPositional(
        _ digits: UnsafeMutableBufferPointer<UInt8>, _ count: Int, _ exponent: Int, to output: inout [UInt8]
    ) {
        if exponent <= 0 {
            output.append(UInt8(ascii: "0"))
            output.append(UInt8(ascii: "."))
            for _ in 0..<(-exponent) { output.append(UInt8(ascii: "0")) }
            for index in 0..<count { output.append(digits[index]) }
            return
        }
        for index in 0..<max(count, exponent) {
            if index == exponent { output.append(UInt8(ascii: ".")) }
            output.append(index < count ? digits[index] : UInt8(ascii: "0"))
        }
        if count <= exponent {
            output.append(UInt8(ascii: "."))
            output.append(UInt8(ascii: "0"))
        }
    }

    private static func appendScientific(
        _ digits: UnsafeMutableBufferPointer<UInt8>, _ count: Int, _ exponent: Int, to output: inout [UInt8]
    ) {
        output.append(digits[0])
        output.append(UInt8(ascii: "."))
        if count == 1 { output.append(UInt8(ascii: "0")) }
        for index in 1..<max(count, 1) { output.append(digits[index]) }
        output.append(UInt8(ascii: "e"))
        output.append(UInt8(ascii: exponent < 0 ? "-" : "+"))
        IntegerText.append(UInt64(exponent.magnitude), to: &output)
    }
}

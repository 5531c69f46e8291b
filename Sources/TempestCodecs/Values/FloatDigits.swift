// The fewest digits that read back to the same float.
// Before it: a float of a value. After it: FloatText, which sets the point.

/// Decimal digits of floats (R. Giulietti, "The Schubfach way to render doubles", 2020).
enum FloatDigits {
    /// The digits and the power of ten that they are multiplied by, of a finite float above zero. Of the shortest numbers that lie
    /// nearest to this float, the nearest; there may be zeros at its end.
    @inline(__always)
    static func shortest(_ magnitude: Double) -> (digits: UInt64, exponent: Int) {
        let fraction = magnitude.bitPattern & ((1 << 52) - 1)
        let biased = Int(magnitude.bitPattern >> 52)
        let bits = biased == 0 ? fraction : fraction | 1 << 52
        let binary = biased == 0 ? -1074 : biased - 1075

        // The float is `bits` times 2 to the power of `binary`. Four times as large, the bounds of what reads back to it are integers.
        let isCloserBelow = fraction == 0 && biased > 1
        let left = 4 * bits - (isCloserBelow ? 1 : 2)
        let middle = 4 * bits
        let right = 4 * bits + 2

        // 1262611 / 2^22 is the logarithm of 2 to the base 10, 524031 / 2^22 that of 4/3; 1741647 / 2^19 that of 10 to the base 2.
        let exponent = (binary * 1_262_611 - (isCloserBelow ? 524_031 : 0)) >> 22
        let shift = UInt64(binary + ((-exponent * 1_741_647) >> 19) + 1)
        let power = PowersOfTen.roundedUp(-exponent)
        let scaledLeft = roundedToOdd(power, left << shift)
        let scaled = roundedToOdd(power, middle << shift)
        let scaledRight = roundedToOdd(power, right << shift)

        // A float with an even last bit is read from its bounds, too.
        let isOdd = bits & 1
        let lower = scaledLeft + isOdd
        let upper = scaledRight - isOdd

        let whole = scaled / 4
        if whole >= 10 {
            let tenth = whole / 10
            let isBelowInside = lower <= 40 * tenth
            let isAboveInside = 40 * tenth + 40 <= upper
            if isBelowInside != isAboveInside { return (tenth + (isAboveInside ? 1 : 0), exponent + 1) }
        }
        let isBelowInside = lower <= 4 * whole
        let isAboveInside = 4 * whole + 4 <= upper
        if isBelowInside != isAboveInside { return (whole + (isAboveInside ? 1 : 0), exponent) }
        let half = 4 * whole + 2
        let roundsUp = scaled > half || (scaled == half && whole & 1 != 0)
        return (whole + (roundsUp ? 1 : 0), exponent)
    }

    /// The leading bits of a product, with the last one set if anything was cut off.
    @inline(__always)
    private static func roundedToOdd(_ power: (high: UInt64, low: UInt64), _ factor: UInt64) -> UInt64 {
        let lower = factor.multipliedFullWidth(by: power.low).high
        var (high, low) = factor.multipliedFullWidth(by: power.high)
        low = low &+ lower
        if low < lower { high &+= 1 }
        return high | (low > 1 ? 1 : 0)
    }
}

// Floats of 16 bits (RFC 8949 appendix D), by hand: Swift's Float16 is not there on every processor.
// Asked by the reader for F9, and by the writer for the shortest form of a float.

/// The binary16 of IEEE 754: 1 bit of sign, 5 of exponent, 10 of fraction.
enum HalfFloat {
    /// The value of 16 bits: exact, NaN and the infinities included.
    static func value(_ bits: UInt16) -> Double {
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Int(bits & 0x3FF)
        let magnitude: Double =
            switch exponent {
            case 0: Double(sign: .plus, exponent: -24, significand: Double(fraction))
            case 31: fraction == 0 ? .infinity : .nan
            default: Double(sign: .plus, exponent: exponent - 25, significand: Double(1024 + fraction))
            }
        return bits & 0x8000 == 0 ? magnitude : -magnitude
    }

    /// The 16 bits of a finite float, if they hold it exactly.
    static func bits(exactly value: Float) -> UInt16? {
        let single = value.bitPattern
        let sign = UInt16(single >> 16 & 0x8000)
        if value == 0 { return sign }
        let exponent = Int(single >> 23 & 0xFF) - 127
        let fraction = single & 0x7F_FFFF
        switch exponent {
        case -14...15:
            guard fraction & 0x1FFF == 0 else { return nil }
            return sign | UInt16(exponent + 15) << 10 | UInt16(fraction >> 13)
        case -24 ... -15:
            // Subnormal: a count of 2^-24, without the leading 1 that others do not write.
            let significand = fraction | 0x80_0000
            let shift = UInt32(-exponent - 1)
            guard significand & (1 << shift - 1) == 0 else { return nil }
            return sign | UInt16(significand >> shift)
        default: return nil
        }
    }
}

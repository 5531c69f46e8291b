// Values and bytes by chance that can be had again from their seed.
// Used by the round trips and by the hostile bytes.

import TempestCodecs

/// Random numbers from a seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A value of any kind that all codecs carry, at most `depth` deep.
    mutating func value(depth: Int) -> Value {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &self) {
        case 0: return [.null, .bool(true), .bool(false)].randomElement(using: &self) ?? .null
        // Of every length: a shift by chance, so that small numbers come too.
        case 1: return Value(next() >> UInt64.random(in: 0..<64, using: &self))
        case 2: return Value(Int64(bitPattern: next()) >> Int64.random(in: 0..<64, using: &self))
        case 3:
            let double = Double(bitPattern: next())
            return .double(double.isFinite ? double : 0.5)
        case 4: return .double(Double(Int16(truncatingIfNeeded: next())) / 64)
        case 5: return .text(text())
        case 6: return .binary((0..<Int.random(in: 0..<40, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) } + [0xFF])
        case 7: return .array((0..<Int.random(in: 0..<30, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            return .map(ValueMap((0..<Int.random(in: 0..<30, using: &self)).map { _ in (text(), value(depth: depth - 1)) }))
        }
    }

    /// Text of letters that take one to four bytes.
    mutating func text() -> String {
        let letters: [Character] = ["a", "Z", "\n", "\"", "é", "ß", "水", "\u{2028}", "😀", "\u{10FFFF}", "\u{0}"]
        return String((0..<Int.random(in: 0..<40, using: &self)).map { _ in letters.randomElement(using: &self) ?? "a" })
    }
}

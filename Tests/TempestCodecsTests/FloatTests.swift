// Floats and their text: against the standard library, which is right and slow.
// The table of powers is compared with exact arithmetic, row by row.

import Testing

@testable import TempestCodecs

@Suite("Floats and their text")
struct FloatTests {
    /// An integer of any size, the lowest part first.
    private struct Natural {
        var parts: [UInt32]

        mutating func multiply(by factor: UInt32) {
            var carry: UInt64 = 0
            for index in parts.indices {
                let product = UInt64(parts[index]) * UInt64(factor) + carry
                parts[index] = UInt32(truncatingIfNeeded: product)
                carry = product >> 32
            }
            if carry > 0 { parts.append(UInt32(carry)) }
        }

        mutating func divide(by divisor: UInt32) {
            var rest: UInt64 = 0
            for index in parts.indices.reversed() {
                let value = rest << 32 | UInt64(parts[index])
                parts[index] = UInt32(value / UInt64(divisor))
                rest = value % UInt64(divisor)
            }
            while parts.last == 0 { parts.removeLast() }
        }

        /// The 128 leading bits; zeros follow where there are fewer.
        var leading: (high: UInt64, low: UInt64) {
            var bits: [UInt64] = [0, 0]
            let highest = parts.count * 32 - 1 - (parts.last?.leadingZeroBitCount ?? 0)
            for place in 0..<128 where highest - place >= 0 {
                let bit = UInt64(parts[(highest - place) / 32] >> UInt32((highest - place) % 32) & 1)
                bits[place / 64] |= bit << UInt64(63 - place % 64)
            }
            return (bits[0], bits[1])
        }
    }

    @Test("Every power of ten in the table is the exact one, cut off or rounded up as it says")
    func powers() {
        var power = Natural(parts: [1])
        for exponent in 0...PowersOfTen.highest {
            #expect(PowersOfTen.bits(exponent) == power.leading, "10^\(exponent)")
            power.multiply(by: 5)
        }
        var reciprocal = Natural(parts: [UInt32](repeating: 0, count: 40) + [1])
        for exponent in (PowersOfTen.lowest..<0).reversed() {
            reciprocal.divide(by: 5)
            var (high, low) = reciprocal.leading
            if exponent >= -27 {
                low &+= 1
                if low == 0 { high += 1 }
            }
            #expect(PowersOfTen.bits(exponent) == (high, low), "10^\(exponent)")
        }
    }

    /// Floats of every size, and the ones around powers of two, where the next smaller is nearer than the next larger.
    private func samples(_ random: inout SeededRandom) -> [Double] {
        let known = [
            "5e-324", "1e-323", "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308",
            "9007199254740993",
            "0.1", "0.2", "0.3", "0.333333333333333314829616256247", "123456789.123456789", "1e22", "1e23", "9.5e-7", "4.35",
            "0.000001", "1e-7", "1e21", "1e20", "2e-44",
        ]
        var samples = known.compactMap { Double($0) }
        for exponent in 0..<2047 {
            let power = Double(sign: .plus, exponentBitPattern: UInt(exponent), significandBitPattern: 0)
            samples += [power.nextDown, power, power.nextUp].filter { $0 > 0 && $0.isFinite }
        }
        for _ in 0..<8_000 {
            let value = Double(bitPattern: random.next() & ~(1 << 63))
            if value.isFinite, value > 0 { samples.append(value) }
            samples.append(Double(random.next() % 1_000_000_000) / 1000)
        }
        return samples
    }

    @Test("The digits are the fewest that read back, as the standard library finds them")
    func printing() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        for value in samples(&random) {
            let text = FloatText.text(value)
            try #require(Double(text) == value, "\(value) was written as \(text), seed \(seed)")
            let digits = { (text: String) in
                String(text.prefix { $0 != "e" }.filter(\.isNumber).drop { $0 == "0" }.reversed().drop { $0 == "0" })
            }
            try #require(digits(text) == digits(value.description), "\(value) was written as \(text), seed \(seed)")
        }
    }

    @Test("Digits are read as the nearest float, as the standard library reads them")
    func reading() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        var texts = samples(&random).map(\.description)
        // More digits than a float has, up to where it lies exactly between two.
        for _ in 0..<5_000 {
            let digits = String(random.next()).prefix(Int(random.next() % 20) + 1) + String(random.next() % 1_000_000)
            texts.append("0.\(digits)e\(Int(random.next() % 640) - 330)")
            texts.append("\(digits).\(random.next())E+\(random.next() % 250)")
        }
        texts += [
            "9007199254740993.0", "9007199254740993.00000000000000000001", "1e-400", "4.9e-324", "2.4703282292062327e-324",
            "2.4703282292062328e-324", "179769313486231580793728971405301e276", "0.0e999999999", "-0.0",
            "1090544144181609348671888949248e-2", "8.41e21", "9.5367431640625e-7",
        ]
        for text in texts {
            let wanted = try #require(Double(text))
            let read = Array(text.utf8).withUnsafeBytes { FloatReading.value(of: $0) }
            if wanted.isFinite {
                try #require(read?.bitPattern == wanted.bitPattern, "\(text), seed \(seed)")
            } else {
                try #require(read == nil, "\(text), seed \(seed)")
            }
            guard text.contains(where: { $0 == "." || $0 == "e" || $0 == "E" }) else { continue }
            let parsed = try? JSONCodec().value(Array(text.utf8))
            try #require(parsed?.asDouble?.bitPattern == (wanted.isFinite ? wanted.bitPattern : nil), "\(text), seed \(seed)")
        }
    }

    @Test("Integers are written with all their digits, whatever their number")
    func integers() {
        var value: UInt64 = 0
        for digits in 1...20 {
            for candidate in [value, value &+ 1, value &* 10 &- 1] {
                let written = [UInt8](unsafeUninitializedCapacity: 20) { $1 = IntegerText.write(candidate, to: $0.baseAddress!) }
                #expect(String(decoding: written, as: UTF8.self) == String(candidate))
            }
            value = digits == 1 ? 10 : digits < 20 ? value &* 10 : .max
        }
    }
}

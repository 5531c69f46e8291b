// The text of a float, the same in JSON and tnetstring and in every language (codecs.md, "Floats").
// Written by both writers; read back by FloatReading.

/// Floats as text: the fewest digits that read back to the same float, always with a point.
enum FloatText {
    /// The most bytes that a float takes.
    static let longest = 32

    /// The text of a finite float.
    static func text(_ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: longest) { room in
            guard let base = room.baseAddress else { return "" }
            let count = write(value, to: base)
            return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }

    /// Writes the text of a finite float, at most 26 bytes; hands out how many.
    static func write(_ value: Double, to start: UnsafeMutablePointer<UInt8>) -> Int {
        var place = start
        if value.sign == .minus {
            place.pointee = UInt8(ascii: "-")
            place += 1
        }
        let magnitude = value.magnitude
        // Up to 2^53 the digits of the integer are the fewest that there are. (`rounded` would ask for libm.)
        if magnitude < 9_007_199_254_740_992, magnitude == Double(UInt64(magnitude)) {
            place += IntegerText.write(UInt64(magnitude), to: place)
            place[0] = UInt8(ascii: ".")
            place[1] = UInt8(ascii: "0")
            return place + 2 - start
        }
        var (digits, exponent) = FloatDigits.shortest(magnitude)
        while digits % 10 == 0 {
            digits /= 10
            exponent += 1
        }
        let count = IntegerText.digits(of: digits)
        // The value is 0.d1d2… times ten to the power of `point`.
        let point = count + exponent
        if point > -7, point <= 21 {
            place += writePositional(digits, count, point, to: place)
        } else {
            place += writeScientific(digits, count, point - 1, to: place)
        }
        return place - start
    }

    @inline(__always)
    private static func writePositional(
        _ digits: UInt64, _ count: Int, _ point: Int, to start: UnsafeMutablePointer<UInt8>
    ) -> Int {
        if point <= 0 {
            start[0] = UInt8(ascii: "0")
            start[1] = UInt8(ascii: ".")
            for index in 0..<(-point) { start[2 + index] = UInt8(ascii: "0") }
            return 2 - point + IntegerText.write(digits, count: count, to: start + 2 - point)
        }
        if point >= count {
            _ = IntegerText.write(digits, count: count, to: start)
            for index in count..<point { start[index] = UInt8(ascii: "0") }
            start[point] = UInt8(ascii: ".")
            start[point + 1] = UInt8(ascii: "0")
            return point + 2
        }
        // The digits one place to the right, and those before the point moved back.
        _ = IntegerText.write(digits, count: count, to: start + 1)
        for index in 0..<point { start[index] = start[index + 1] }
        start[point] = UInt8(ascii: ".")
        return count + 1
    }

    private static func writeScientific(
        _ digits: UInt64, _ count: Int, _ exponent: Int, to start: UnsafeMutablePointer<UInt8>
    ) -> Int {
        _ = IntegerText.write(digits, count: count, to: start + 1)
        start[0] = start[1]
        start[1] = UInt8(ascii: ".")
        if count == 1 { start[2] = UInt8(ascii: "0") }
        var place = start + 1 + max(count, 2)
        place[0] = UInt8(ascii: "e")
        place[1] = UInt8(ascii: exponent < 0 ? "-" : "+")
        place += 2
        return place - start + IntegerText.write(UInt64(exponent.magnitude), to: place)
    }
}

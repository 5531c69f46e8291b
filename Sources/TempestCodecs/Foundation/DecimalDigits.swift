// Decimal numbers as text, in the grammar that all languages write them in, and in the parts that Foundation's Decimal is made of.

/// `digits` times ten to the power of `exponent`.
struct DecimalDigits: Equatable {
    var isNegative = false
    /// Without zeros at the end; 0 for zero.
    var digits: UInt128 = 0
    /// −128 to 127.
    var exponent = 0

    enum Refusal: Error { case noNumber, tooLong }

    /// Text such as `12`, `-0.50`, `1E+3`, `0.125e3`. Up to 38 digits count: more than that no Decimal holds, and to round what may be money
    /// would be worse than to refuse it.
    init(_ text: String) throws(Refusal) {
        var bytes = Array(text.utf8)[...]
        if let first = bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            isNegative = first == UInt8(ascii: "-")
            bytes.removeFirst()
        }
        let whole = bytes.prefix { (0x30...0x39).contains($0) }
        bytes.removeFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if bytes.first == UInt8(ascii: ".") {
            fraction = bytes.dropFirst().prefix { (0x30...0x39).contains($0) }
            bytes.removeFirst(fraction.count + 1)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw .noNumber }
        var power = 0
        if let first = bytes.first, first == UInt8(ascii: "e") || first == UInt8(ascii: "E") {
            guard let found = Int(String(decoding: bytes.dropFirst(), as: UTF8.self)), found.magnitude < 1_000_000 else {
                throw bytes.count > 1 ? .tooLong : .noNumber
            }
            power = found
            bytes = []
        }
        guard bytes.isEmpty else { throw .noNumber }
        var all = (whole + fraction).drop { $0 == 0x30 }
        exponent = power - fraction.count
        while all.last == 0x30 {
            all.removeLast()
            exponent += 1
        }
        guard !all.isEmpty else { (exponent, isNegative) = (0, false); return }
        guard all.count <= 38 else { throw .tooLong }
        digits = all.reduce(0) { $0 * 10 + UInt128($1 - 0x30) }
        // What is too far for the exponent may go into the digits.
        while exponent > 127 {
            let (next, isTooLong) = digits.multipliedReportingOverflow(by: 10)
            guard !isTooLong else { throw .tooLong }
            (digits, exponent) = (next, exponent - 1)
        }
        guard exponent >= -128 else { throw .tooLong }
    }

    /// What Foundation's Decimal reads itself from.
    var parts: Value {
        let words = (0..<8).map { UInt16(truncatingIfNeeded: digits >> (16 * $0)) }
        let length = words.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        return [
            "exponent": .int(Int64(exponent)), "length": .int(Int64(length)), "isNegative": .bool(isNegative), "isCompact": true,
            "mantissa": .array(words.map { .int(Int64($0)) }),
        ]
    }
}

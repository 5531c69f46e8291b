// Integers from and to their digits, without the C library and its locale.
// JSON and tnetstring readers check the grammar first and come here for the value; their writers come here for the digits.

/// The digits of integers.
enum IntegerText {
    /// The most bytes that an integer takes, its sign included.
    static let longest = 20

    /// 00, 01 … 99.
    private static let pairs: StaticString = """
        000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647484950515253545556575859\
        60616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    private static let powers: [UInt64] = [
        0, 10, 100, 1000, 10000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]

    /// How many digits an integer has.
    @inline(__always)
    static func digits(of value: UInt64) -> Int {
        if value < 10 { return 1 }
        if value < 100 { return 2 }
        if value < 1000 { return 3 }
        if value < 10000 { return 4 }
        // 1233 / 2^12 is the logarithm of 2 to the base 10, closely enough for 64 bits.
        let guess = ((64 - value.leadingZeroBitCount) * 1233) >> 12
        return value < powers[guess] ? guess : guess + 1
    }

    /// Writes digits; hands out how many.
    @inline(__always)
    static func write(_ value: UInt64, to start: UnsafeMutablePointer<UInt8>) -> Int {
        if value < 10 {
            start.pointee = 48 &+ UInt8(truncatingIfNeeded: value)
            return 1
        }
        return write(value, count: digits(of: value), to: start)
    }

    /// Writes an integer with its sign; hands out how many bytes.
    @inline(__always)
    static func write(_ value: Int64, to start: UnsafeMutablePointer<UInt8>) -> Int {
        if value >= 0 { return write(UInt64(bitPattern: value), to: start) }
        start.pointee = UInt8(ascii: "-")
        return 1 + write(value.magnitude, to: start + 1)
    }

    /// Writes an integer of a known number of digits.
    static func write(_ value: UInt64, count: Int, to start: UnsafeMutablePointer<UInt8>) -> Int {
        let table = UnsafeRawPointer(pairs.utf8Start)
        let bytes = UnsafeMutableRawPointer(start)
        var rest = value
        var place = count
        while place >= 2 {
            let (quotient, pair) = (rest / 100, rest % 100)
            place &-= 2
            bytes.storeBytes(
                of: table.loadUnaligned(fromByteOffset: Int(truncatingIfNeeded: pair &* 2), as: UInt16.self), toByteOffset: place,
                as: UInt16.self)
            rest = quotient
        }
        if place == 1 { start[0] = 48 &+ UInt8(truncatingIfNeeded: rest) }
        return count
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

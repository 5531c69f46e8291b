// A number as JSON writes it: its grammar, and its value. tnetstring's floats use it too.

struct NumberText {
    enum Integer {
        case negative(Int64)
        case positive(UInt64)
    }

    private let input: UnsafeRawBufferPointer
    private let start: Int
    /// The place after the number.
    let end: Int
    private(set) var isInteger = true
    /// Whether what stands there is a number.
    private(set) var isComplete = false

    init(_ input: UnsafeRawBufferPointer, at start: Int) {
        (self.input, self.start) = (input, start)
        var place = start
        func isDigit() -> Bool { place < input.count && (0x30...0x39).contains(input[place]) }
        func digits() -> Bool {
            let first = place
            while isDigit() { place += 1 }
            return place > first
        }
        if place < input.count, input[place] == UInt8(ascii: "-") { place += 1 }
        let first = place
        guard digits(), input[first] != 0x30 || place == first + 1 else {
            end = place
            return
        }
        if place < input.count, input[place] == UInt8(ascii: ".") {
            isInteger = false
            place += 1
            guard digits() else {
                end = place
                return
            }
        }
        if place < input.count, input[place] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            place += 1
            if place < input.count, input[place] == UInt8(ascii: "+") || input[place] == UInt8(ascii: "-") { place += 1 }
            guard digits() else {
                end = place
                return
            }
        }
        end = place
        isComplete = true
    }

    /// nil outside -2^63 ... 2^64-1.
    var integer: Integer? {
        let isNegative = input[start] == UInt8(ascii: "-")
        var value: UInt64 = 0
        for byte in input[(isNegative ? start + 1 : start)..<end] {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(byte - 0x30))
            if tooLarge || overflow { return nil }
            value = sum
        }
        guard isNegative else { return .positive(value) }
        guard value <= UInt64(Int64.max) + 1 else { return nil }
        return .negative(Int64(truncatingIfNeeded: 0 &- value))
    }

    /// The nearest float; infinite when it is too large.
    var double: Double? {
        Double(String(decoding: UnsafeRawBufferPointer(rebasing: input[start..<end]), as: UTF8.self))
    }
}

// tnetstring bytes to a document, in one pass without recursion: the ends of open containers are on a stack.

struct TNetstringReader {
    var builder: DocumentBuilder
    private let input: UnsafeRawBufferPointer
    private var index = 0
    /// Where the data of each open container ends: there stands its type.
    private var ends: [Int] = []

    init(_ input: UnsafeRawBufferPointer, limits: Limits) throws(CodecError) {
        self.input = input
        builder = try DocumentBuilder(input, limits: limits)
    }

    mutating func read() throws(CodecError) {
        repeat {
            if let end = ends.last, index == end {
                try builder.end(at: index)
                ends.removeLast()
                index += 1
            } else {
                try element()
            }
        } while !ends.isEmpty
        guard index == input.count else { throw CodecError(.trailing, "there are bytes after the value", at: index) }
    }

    private mutating func element() throws(CodecError) {
        let start = index
        let end = ends.last ?? input.count
        let size = try length(end)
        let data = index..<index + size
        let type = input[data.upperBound]
        index = data.upperBound + 1
        switch type {
        case UInt8(ascii: ","):
            let bytes = UnsafeRawBufferPointer(rebasing: input[data])
            if builder.wantsKey || UTF8Check.firstInvalid(bytes) == nil {
                try builder.text(data, at: start)
            } else {
                try builder.binary(data, at: start)
            }
        case UInt8(ascii: "#"): try integer(data, start)
        case UInt8(ascii: "^"): try float(data, start)
        case UInt8(ascii: "!"):
            let bytes = input[data]
            if bytes.elementsEqual("true".utf8) {
                try builder.bool(true, at: start)
            } else if bytes.elementsEqual("false".utf8) {
                try builder.bool(false, at: start)
            } else {
                throw CodecError(.syntax, "\"!\" is true or false", at: start)
            }
        case UInt8(ascii: "~"):
            guard size == 0 else { throw CodecError(.syntax, "\"~\" has no bytes", at: start) }
            try builder.null(at: start)
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            if type == UInt8(ascii: "]") { try builder.beginArray(at: start) } else { try builder.beginMap(at: start) }
            ends.append(data.upperBound)
            index = data.lowerBound
        default:
            let shown = type > 0x20 && type < 0x7F ? String(UnicodeScalar(type)).debugDescription : "0x" + String(type, radix: 16)
            throw CodecError(.syntax, "there is no type \(shown)", at: data.upperBound)
        }
    }

    /// The length before the colon; it and the type fit into what is left before `end`.
    private mutating func length(_ end: Int) throws(CodecError) -> Int {
        let start = index
        var size = 0
        while index < end, (0x30...0x39).contains(input[index]) {
            guard index - start < 9 else { throw CodecError(.syntax, "a length has at most 9 digits", at: start) }
            size = size * 10 + Int(input[index] - 0x30)
            index += 1
        }
        guard index > start else { throw CodecError(.syntax, "a length is missing", at: start) }
        guard input[start] != 0x30 || index == start + 1 else {
            throw CodecError(.syntax, "a length has no leading zero", at: start)
        }
        guard index < end, input[index] == UInt8(ascii: ":") else {
            throw CodecError(.syntax, "a length is followed by \":\"", at: index)
        }
        index += 1
        guard size < end - index else {
            throw CodecError(.claim, "\(size) bytes and a type are announced, but only \(end - index) bytes are left", at: start)
        }
        return size
    }

    private mutating func integer(_ data: Range<Int>, _ start: Int) throws(CodecError) {
        let bytes = UnsafeRawBufferPointer(rebasing: input[data])
        let text = NumberText(bytes, at: 0)
        let isMinusZero = bytes.elementsEqual("-0".utf8)
        guard text.isComplete, text.isInteger, text.end == bytes.count, !isMinusZero else {
            throw CodecError(.number, "\"#\" is a decimal integer without leading zeros", at: start)
        }
        switch text.integer {
        case .negative(let value)?: try builder.int(value, at: start)
        case .positive(let value)?: try builder.uint(value, at: start)
        case nil: throw CodecError(.number, "an integer outside -2^63 ... 2^64-1", at: start)
        }
    }

    private mutating func float(_ data: Range<Int>, _ start: Int) throws(CodecError) {
        let bytes = UnsafeRawBufferPointer(rebasing: input[data])
        guard let value = Self.float(bytes) else {
            throw CodecError(.number, "\"^\" is -?digits[.digits][e[+-]digits]", at: start)
        }
        guard value.isFinite else { throw CodecError(.number, "a float out of range", at: start) }
        try builder.double(value, at: start)
    }

    /// Leading zeros are allowed here, unlike in JSON.
    private static func float(_ bytes: UnsafeRawBufferPointer) -> Double? {
        var place = 0
        func digits() -> Bool {
            let first = place
            while place < bytes.count, (0x30...0x39).contains(bytes[place]) { place += 1 }
            return place > first
        }
        if place < bytes.count, bytes[place] == UInt8(ascii: "-") { place += 1 }
        guard digits() else { return nil }
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            place += 1
            guard digits() else { return nil }
        }
        if place < bytes.count, bytes[place] == UInt8(ascii: "e") {
            place += 1
            if place < bytes.count, bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-") { place += 1 }
            guard digits() else { return nil }
        }
        guard place == bytes.count else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }
}

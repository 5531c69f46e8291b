// Bytes of tnetstring to a document: one pass, no recursion.
// Before it: the bytes of a job or answer. After it: the builder that holds their flat form.

/// Reads one tnetstring; hostile bytes end in an error that names the byte.
struct TNetstringReader {
    let bytes: UnsafeRawBufferPointer
    var builder: DocumentBuilder
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, builder: DocumentBuilder) {
        self.bytes = bytes
        self.builder = builder
    }

    /// One element: where it begins, where its payload lies, and its tag.
    private struct Element {
        var start: Int
        var payload: Range<Int>
        var tag: UInt8
    }

    /// Reads the document, up to the last byte.
    mutating func read() throws(CodecError) {
        guard !bytes.isEmpty else { throw syntax("there is no value", 0) }
        let root = try readElement(until: bytes.count)
        guard root.payload.upperBound + 1 == bytes.count else {
            throw CodecError(.trailing, "tnetstring: bytes after the value", at: root.payload.upperBound + 1)
        }
        // The ends of the payloads of the open containers.
        var ends: [Int] = []
        try take(root, &ends)
        while let end = ends.last {
            if position == end {
                if builder.isInMap {
                    guard builder.needsKey else { throw syntax("the map ends between a key and its value", end) }
                    try builder.endMap(at: end)
                } else {
                    try builder.endArray(at: end)
                }
                ends.removeLast()
                position = end + 1
                continue
            }
            let element = try readElement(until: end)
            if builder.needsKey {
                guard element.tag == UInt8(ascii: ",") else {
                    throw CodecError(.text, "tnetstring: a key must be text, found tag \(name(element.tag))", at: element.start)
                }
                try builder.key(element.payload, at: element.start)
                position = element.payload.upperBound + 1
            } else {
                try take(element, &ends)
            }
        }
    }

    /// Reads a length and a colon, and finds the tag.
    private mutating func readElement(until end: Int) throws(CodecError) -> Element {
        let start = position
        var length = 0
        while position < end, bytes[position] &- 48 < 10 {
            length = length * 10 + Int(bytes[position] - 48)
            position += 1
            guard position - start <= 9 else { throw syntax("a length of more than 9 digits", start) }
        }
        guard position > start else { throw syntax("expected a length", start) }
        guard bytes[start] != UInt8(ascii: "0") || position == start + 1 else {
            throw syntax("a length with a leading zero", start)
        }
        guard position < end, bytes[position] == UInt8(ascii: ":") else { throw syntax("expected : after a length", position) }
        let first = position + 1
        guard length < end - first else {
            throw CodecError(
                .claim, "tnetstring: \(length) bytes and a tag were claimed but only \(end - first) bytes are left", at: start)
        }
        return Element(start: start, payload: first..<first + length, tag: bytes[first + length])
    }

    /// Adds a value; goes into containers.
    private mutating func take(_ element: Element, _ ends: inout [Int]) throws(CodecError) {
        let (start, payload) = (element.start, element.payload)
        switch element.tag {
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            if element.tag == UInt8(ascii: "]") { try builder.beginArray(at: start) } else { try builder.beginMap(at: start) }
            ends.append(payload.upperBound)
            position = payload.lowerBound
            return
        case UInt8(ascii: ","):
            let isText = UTF8Check.isValid(UnsafeRawBufferPointer(rebasing: bytes[payload]))
            if isText {
                try builder.text(payload, isASCII: true, at: start)
            } else {
                try builder.binary(payload, at: start)
            }
        case UInt8(ascii: "#"): try takeInteger(payload, start)
        case UInt8(ascii: "^"): try takeFloat(payload, start)
        case UInt8(ascii: "!"):
            if bytes[payload].elementsEqual("true".utf8) {
                try builder.bool(true, at: start)
            } else if bytes[payload].elementsEqual("false".utf8) {
                try builder.bool(false, at: start)
            } else {
                throw syntax("a bool is true or false", start)
            }
        case UInt8(ascii: "~"):
            guard payload.isEmpty else { throw syntax("null has no bytes", start) }
            try builder.null(at: start)
        default: throw syntax("there is no tag \(name(element.tag))", payload.upperBound)
        }
        position = payload.upperBound + 1
    }

    private mutating func takeInteger(_ payload: Range<Int>, _ start: Int) throws(CodecError) {
        let isNegative = !payload.isEmpty && bytes[payload.lowerBound] == UInt8(ascii: "-")
        let digits = UnsafeRawBufferPointer(rebasing: bytes[payload.dropFirst(isNegative ? 1 : 0)])
        guard !digits.isEmpty, digits.allSatisfy({ $0 &- 48 < 10 }), digits[0] != 48 || (digits.count == 1 && !isNegative) else {
            throw CodecError(.number, "tnetstring: an integer is digits without + or leading zeros, and never -0", at: start)
        }
        switch IntegerText.parse(digits, isNegative: isNegative) {
        case .int(let value): try builder.int(value, at: start)
        case .uint(let value): try builder.uint(value, at: start)
        case .outOfRange: throw CodecError(.number, "tnetstring: an integer beyond -2^63 to 2^64-1", at: start)
        }
    }

    private mutating func takeFloat(_ payload: Range<Int>, _ start: Int) throws(CodecError) {
        var index = payload.lowerBound
        let end = payload.upperBound
        func digits() -> Bool {
            let first = index
            while index < end, bytes[index] &- 48 < 10 { index += 1 }
            return index > first
        }
        if index < end, bytes[index] == UInt8(ascii: "-") { index += 1 }
        var isFloat = digits()
        if isFloat, index < end, bytes[index] == UInt8(ascii: ".") {
            index += 1
            isFloat = digits()
        }
        if isFloat, index < end, bytes[index] == UInt8(ascii: "e") {
            index += 1
            if index < end, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") { index += 1 }
            isFloat = digits()
        }
        guard isFloat, index == end else {
            throw CodecError(.number, "tnetstring: a float is -?digits[.digits][e[+-]digits]", at: start)
        }
        guard let value = FloatText.parse(UnsafeRawBufferPointer(rebasing: bytes[payload])) else {
            throw CodecError(.number, "tnetstring: a float beyond the largest", at: start)
        }
        try builder.double(value, at: start)
    }

    private func name(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "\"\(Character(Unicode.Scalar(byte)))\"" : "0x\(String(byte, radix: 16))"
    }

    private func syntax(_ message: String, _ offset: Int) -> CodecError {
        CodecError(.syntax, "tnetstring: \(message)", at: offset)
    }
}

// Bytes of JSON to a document: one pass, no recursion.
// Before it: the bytes of a job or answer. After it: the builder that holds their flat form.

/// Reads one JSON document; hostile bytes end in an error that names the byte.
struct JSONReader {
    let bytes: UnsafeRawBufferPointer
    var builder: DocumentBuilder
    var position = 0

    init(bytes: UnsafeRawBufferPointer, source: [UInt8], limits: Limits) {
        self.bytes = bytes
        // A marker of binary is a map, a key and a text until it ends, and one value then.
        builder = DocumentBuilder(source: source, limits: limits, codec: "json", slack: 2)
    }

    /// Reads the document, up to the last byte.
    mutating func read() throws(CodecError) {
        skipSpace()
        guard position < bytes.count else { throw syntax("there is no value") }
        while true {
            if try readValue() { continue }
            // After a value: close what ends here, then go on with the next element or stop.
            closing: while true {
                skipSpace()
                guard builder.depth > 0 else {
                    guard position == bytes.count else {
                        throw CodecError(.trailing, "json: bytes after the value", at: position)
                    }
                    return
                }
                guard position < bytes.count else {
                    throw syntax("the bytes end inside of \(builder.isInMap ? "a map" : "an array")")
                }
                switch (bytes[position], builder.isInMap) {
                case (UInt8(ascii: ","), let isInMap):
                    position += 1
                    skipSpace()
                    if isInMap { try readKey() }
                    break closing
                case (UInt8(ascii: "]"), false): try builder.endArray(at: position)
                case (UInt8(ascii: "}"), true): try builder.endJSONMap(at: position)
                default: throw syntax("expected , or \(builder.isInMap ? "}" : "]"), found \(found())")
                }
                position += 1
            }
        }
    }

    /// Reads a scalar, an empty container or the beginning of another; true: a value must follow.
    private mutating func readValue() throws(CodecError) -> Bool {
        guard position < bytes.count else { throw syntax("expected a value, but the bytes end") }
        let start = position
        switch bytes[start] {
        case UInt8(ascii: "\""):
            try readString(isKey: false)
        case UInt8(ascii: "["):
            try builder.beginArray(at: start)
            position += 1
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "]") else { return true }
            try builder.endArray(at: position)
            position += 1
        case UInt8(ascii: "{"):
            try builder.beginMap(at: start, allowance: 1)
            position += 1
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "}") else {
                try readKey()
                return true
            }
            try builder.endJSONMap(at: position)
            position += 1
        case UInt8(ascii: "n"):
            try skipWord("null")
            try builder.null(at: start)
        case UInt8(ascii: "t"):
            try skipWord("true")
            try builder.bool(true, at: start)
        case UInt8(ascii: "f"):
            try skipWord("false")
            try builder.bool(false, at: start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try readNumber()
        default:
            throw syntax("expected a value, found \(found())")
        }
        return false
    }

    private mutating func readKey() throws(CodecError) {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw syntax("expected a key, found \(found())")
        }
        try readString(isKey: true)
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw syntax("expected : after a key, found \(found())")
        }
        position += 1
        skipSpace()
    }

    private mutating func readNumber() throws(CodecError) {
        let start = position
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let digits = position
        skipDigits()
        guard position > digits else { throw number("a minus sign without digits", start) }
        guard bytes[digits] != UInt8(ascii: "0") || position == digits + 1 else {
            throw number("a number with a leading zero", start)
        }
        let end = position
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            let fraction = position
            skipDigits()
            guard position > fraction else { throw number("a point without digits after it", start) }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            let exponent = position
            skipDigits()
            guard position > exponent else { throw number("an exponent without digits", start) }
        }
        guard position == end else {
            guard let value = FloatText.parse(UnsafeRawBufferPointer(rebasing: bytes[start..<position])) else {
                throw number("a float beyond the largest", start)
            }
            return try builder.double(value, at: start)
        }
        switch IntegerText.parse(UnsafeRawBufferPointer(rebasing: bytes[digits..<end]), isNegative: isNegative) {
        case .int(let value): try builder.int(value, at: start)
        case .uint(let value): try builder.uint(value, at: start)
        case .outOfRange: throw number("an integer beyond -2^63 to 2^64-1", start)
        }
    }

    @inline(__always)
    private mutating func skipDigits() {
        while position < bytes.count, bytes[position] &- 48 < 10 { position += 1 }
    }

    @inline(__always)
    private mutating func skipSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    private mutating func skipWord(_ word: StaticString) throws(CodecError) {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            equalBytes(
                UnsafeRawBufferPointer(rebasing: bytes[position..<end]),
                UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw syntax("expected a value, found a word that is not \(word)") }
        position = end
    }

    /// What stands at the position, for messages.
    private func found() -> String {
        guard position < bytes.count else { return "the end" }
        let byte = bytes[position]
        return byte > 0x20 && byte < 0x7F ? "\"\(Character(Unicode.Scalar(byte)))\"" : "the byte 0x\(String(byte, radix: 16))"
    }

    func syntax(_ message: String) -> CodecError {
        CodecError(.syntax, "json: \(message)", at: position)
    }

    private func number(_ message: String, _ offset: Int) -> CodecError {
        CodecError(.number, "json: \(message)", at: offset)
    }
}

// JSON bytes to a document, in one pass without recursion.

struct JSONReader {
    var builder: DocumentBuilder
    private let input: UnsafeRawBufferPointer
    private let depthLimit: Int
    private var index = 0

    init(_ input: UnsafeRawBufferPointer, limits: Limits) throws(CodecError) {
        self.input = input
        depthLimit = limits.depth
        builder = try DocumentBuilder(input, limits: limits)
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
    }

    mutating func read() throws(CodecError) {
        skipSpace()
        guard index < input.count else { throw CodecError(.syntax, "there is only white space", at: 0) }
        try value()
        // A value has been read; while containers are open, what follows is a separator or an end.
        while builder.depth > 0 {
            skipSpace()
            let byte = try next("a value is followed by , or the end of its container")
            switch (byte, builder.isInMap) {
            case (UInt8(ascii: ","), true):
                index += 1
                skipSpace()
                try member()
            case (UInt8(ascii: ","), false):
                index += 1
                skipSpace()
                try value()
            case (UInt8(ascii: "]"), false), (UInt8(ascii: "}"), true):
                try end()
            default:
                throw unexpected(byte, builder.isInMap ? ", or }" : ", or ]")
            }
        }
        skipSpace()
        guard index == input.count else { throw CodecError(.trailing, "there are bytes after the value", at: index) }
    }

    /// Reads a scalar, or containers down to their first scalar or their end.
    private mutating func value() throws(CodecError) {
        while true {
            let byte = try next("a value is missing")
            switch byte {
            case UInt8(ascii: "{"):
                if builder.depth == depthLimit, try binaryAtLimit() { return }
                try builder.beginMap(at: index)
                index += 1
                skipSpace()
                if try next("a map is not ended") == UInt8(ascii: "}") { return try end() }
                try key()
            case UInt8(ascii: "["):
                try builder.beginArray(at: index)
                index += 1
                skipSpace()
                if try next("an array is not ended") == UInt8(ascii: "]") { return try end() }
            case UInt8(ascii: "\""): return try string()
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
            case UInt8(ascii: "t"):
                try builder.bool(true, at: index)
                return try word("true")
            case UInt8(ascii: "f"):
                try builder.bool(false, at: index)
                return try word("false")
            case UInt8(ascii: "n"):
                try builder.null(at: index)
                return try word("null")
            default: throw unexpected(byte, "a value")
            }
        }
    }

    private mutating func member() throws(CodecError) {
        try key()
        try value()
    }

    private mutating func key() throws(CodecError) {
        let byte = try next("a key is missing")
        guard byte == UInt8(ascii: "\"") else { throw unexpected(byte, "a key") }
        try string()
        skipSpace()
        let colon = try next("a key is followed by :")
        guard colon == UInt8(ascii: ":") else { throw unexpected(colon, ":") }
        index += 1
        skipSpace()
    }

    private mutating func end() throws(CodecError) {
        if let (key, value) = marker() {
            if key == 0 {
                if let bytes = value.withUnsafeBytes({ Base64.decode($0) }) {
                    builder.endAsBinary(bytes)
                    index += 1
                    return
                }
            } else if value.withUnsafeBytes({ Base64.decode($0) }) != nil {
                builder.shortenOnlyKey()
            }
        }
        try builder.end(at: index)
        index += 1
    }

    /// The number of escapes and the text of a map that looks like binary.
    private func marker() -> (Int, [UInt8])? {
        guard builder.isInMap, let (key, value) = builder.onlyTextMemberCopied(),
            let escapes = key.withUnsafeBytes({ BinaryMarker.escapes($0) })
        else { return nil }
        return (escapes, value)
    }

    /// Binary is a scalar, though its marker is a map: it may stand where a map would be too deep. Moves on only if it is one.
    private mutating func binaryAtLimit() throws(CodecError) -> Bool {
        var place = index + 1
        func skip() { while place < input.count, Self.isSpace(input[place]) { place += 1 } }
        func take(_ bytes: some Collection<UInt8>) -> Bool {
            skip()
            guard input.count - place >= bytes.count, input[place..<place + bytes.count].elementsEqual(bytes) else {
                return false
            }
            place += bytes.count
            return true
        }
        guard take("\"$b64\"".utf8), take(":".utf8), take("\"".utf8) else { return false }
        let start = place
        guard let end = input[start...].firstIndex(of: UInt8(ascii: "\"")) else { return false }
        place = end + 1
        guard take("}".utf8), let bytes = Base64.decode(UnsafeRawBufferPointer(rebasing: input[start..<end])) else {
            return false
        }
        let first = builder.aside.count
        builder.aside.append(contentsOf: bytes)
        try builder.binary(aside: first..<builder.aside.count, at: index)
        index = place
        return true
    }

    // MARK: Scalars

    private mutating func word(_ word: StaticString) throws(CodecError) {
        let count = word.utf8CodeUnitCount
        guard input.count - index >= count,
            input[index..<index + count].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: count))
        else { throw CodecError(.syntax, "this is not \(word)", at: index) }
        index += count
    }

    private mutating func string() throws(CodecError) {
        let start = index + 1
        var place = start
        let end = input.count
        // The common case: no escape, the text stands in the input.
        while place < end {
            let byte = input[place]
            if byte == UInt8(ascii: "\"") {
                try builder.text(start..<place, at: index)
                index = place + 1
                return
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start, upTo: place) }
            if byte < 0x20 { throw CodecError(.syntax, "a control character in a string must be escaped", at: place) }
            place += 1
        }
        throw CodecError(.syntax, "a string is not ended", at: index)
    }

    private mutating func escapedString(from start: Int, upTo first: Int) throws(CodecError) {
        let begin = builder.aside.count
        builder.aside.append(contentsOf: input[start..<first])
        var place = first
        while place < input.count {
            let byte = input[place]
            switch byte {
            case UInt8(ascii: "\""):
                try builder.text(aside: begin..<builder.aside.count, at: index)
                index = place + 1
                return
            case UInt8(ascii: "\\"): place = try escape(at: place)
            case 0..<0x20: throw CodecError(.syntax, "a control character in a string must be escaped", at: place)
            default:
                builder.aside.append(byte)
                place += 1
            }
        }
        throw CodecError(.syntax, "a string is not ended", at: index)
    }

    /// Appends what an escape stands for; the place after it.
    private mutating func escape(at place: Int) throws(CodecError) -> Int {
        guard place + 1 < input.count else { throw CodecError(.syntax, "a string is not ended", at: index) }
        let byte: UInt8
        switch input[place + 1] {
        case UInt8(ascii: "\""): byte = 0x22
        case UInt8(ascii: "\\"): byte = 0x5C
        case UInt8(ascii: "/"): byte = 0x2F
        case UInt8(ascii: "b"): byte = 0x08
        case UInt8(ascii: "f"): byte = 0x0C
        case UInt8(ascii: "n"): byte = 0x0A
        case UInt8(ascii: "r"): byte = 0x0D
        case UInt8(ascii: "t"): byte = 0x09
        case UInt8(ascii: "u"):
            let unit = try hex(at: place + 2)
            guard (0xD800...0xDFFF).contains(unit) else {
                append(unit)
                return place + 6
            }
            guard unit < 0xDC00, place + 7 < input.count, input[place + 6] == UInt8(ascii: "\\"),
                input[place + 7] == UInt8(ascii: "u")
            else { throw CodecError(.text, "a lone surrogate is no text", at: place) }
            let low = try hex(at: place + 8)
            guard (0xDC00...0xDFFF).contains(low) else { throw CodecError(.text, "a lone surrogate is no text", at: place) }
            append(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            return place + 12
        default: throw CodecError(.syntax, "there is no such escape", at: place)
        }
        builder.aside.append(byte)
        return place + 2
    }

    private func hex(at place: Int) throws(CodecError) -> UInt32 {
        guard place + 4 <= input.count else { throw CodecError(.syntax, "\\u needs four hexadecimal digits", at: place) }
        var value: UInt32 = 0
        for byte in input[place..<place + 4] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                value = value << 4 | UInt32((byte | 0x20) - 0x57)
            default: throw CodecError(.syntax, "\\u needs four hexadecimal digits", at: place)
            }
        }
        return value
    }

    private mutating func append(_ scalar: UInt32) {
        if let scalar = Unicode.Scalar(scalar) { builder.aside.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped) }
    }

    private mutating func number() throws(CodecError) {
        let start = index
        let text = NumberText(input, at: start)
        guard text.isComplete else { throw CodecError(.syntax, "this is no number", at: start) }
        index = text.end
        if text.isInteger {
            guard let integer = text.integer else {
                throw CodecError(.number, "an integer outside -2^63 ... 2^64-1", at: start)
            }
            switch integer {
            case .negative(let value): try builder.int(value, at: start)
            case .positive(let value): try builder.uint(value, at: start)
            }
        } else {
            guard let value = text.double, value.isFinite else { throw CodecError(.number, "a float out of range", at: start) }
            try builder.double(value, at: start)
        }
    }

    // MARK: Moving on

    private mutating func skipSpace() {
        while index < input.count, Self.isSpace(input[index]) { index += 1 }
    }

    private func next(_ missing: String) throws(CodecError) -> UInt8 {
        guard index < input.count else { throw CodecError(.syntax, "the input ends early: \(missing)", at: index) }
        return input[index]
    }

    private func unexpected(_ byte: UInt8, _ wanted: String) -> CodecError {
        let shown =
            byte > 0x20 && byte < 0x7F ? String(UnicodeScalar(byte)).debugDescription : "byte 0x" + String(byte, radix: 16)
        return CodecError(.syntax, "expected \(wanted), found \(shown)", at: index)
    }
}

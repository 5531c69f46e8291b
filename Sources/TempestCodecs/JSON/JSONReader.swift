// Bytes of JSON to entries: one pass, no recursion.
// Before it: the bytes of a job or answer. After it: a Document or a Value.

/// The bytes of one JSON document. What only looks at bytes is a function of this, so that no reader is copied for it.
struct JSONInput {
    let source: UnsafePointer<UInt8>
    let end: Int
}

/// Reads one JSON document; hostile bytes end in an error that names the byte.
struct JSONReader: TapeReader {
    static var name: String { "json" }

    let input: JSONInput
    let limits: Limits
    var room: TapeRoom
    var unescaped: OutputBuffer
    var keys = LargeMaps()
    var position = 0
    private var hasBegun = false

    init(_ bytes: UnsafeRawBufferPointer, limits: Limits, room: TapeRoom, side: OutputBuffer) {
        let source = bytes.baseAddress ?? UnsafeRawPointer(room.entries)
        input = JSONInput(source: source.assumingMemoryBound(to: UInt8.self), end: bytes.count)
        self.limits = limits
        self.room = room
        unescaped = side
    }

    var side: OutputBuffer? { unescaped }
    var source: UnsafePointer<UInt8> { input.source }

    /// Here it costs nothing, and two copies of ``run()`` cost a quarter more time.
    mutating func runKeepingPlace() throws(CodecError) -> Bool { try run() }

    mutating func run() throws(CodecError) -> Bool {
        // Copies in registers: the compiler cannot know that an entry that is written does not change them.
        let input = input
        let depthLimit = limits.depth
        let (source, end) = (input.source, input.end)
        var position = position
        var room = room
        defer { (self.position, self.room) = (position, room) }
        if !hasBegun {
            hasBegun = true
            input.skipSpace(&position)
            guard position < end else { throw input.syntax("there is no value", position) }
        }
        values: while true {
            guard room.hasRoom else { return false }
            if room.isMap {
                guard position < end, source[position] == UInt8(ascii: "\"") else {
                    throw input.syntax("expected a key, found \(input.found(position))", position)
                }
                room.addKey(try readString(&position, flags: Entry.isKey))
                input.skipSpace(&position)
                guard position < end, source[position] == UInt8(ascii: ":") else {
                    throw input.syntax("expected : after a key, found \(input.found(position))", position)
                }
                position &+= 1
                input.skipSpace(&position)
            }
            guard position < end else { throw input.syntax("expected a value, but the bytes end", position) }
            let byte = source[position]
            if byte == UInt8(ascii: "\"") {
                room.add(try readString(&position, flags: 0))
            } else if byte &- 48 < 10 || byte == UInt8(ascii: "-") {
                room.add(try input.readNumber(&position))
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                let isMap = byte == UInt8(ascii: "{")
                // A marker of binary is a map until it ends, and a scalar then: it may be one deeper.
                guard room.depth < depthLimit || (isMap && room.depth == depthLimit) else { throw tooDeep(position) }
                room.begin(isMap ? .map : .array, at: position)
                position &+= 1
                input.skipSpace(&position)
                if position < end, source[position] == (isMap ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    guard room.depth <= depthLimit else { throw tooDeep(Int(room.entries[room.open].offset)) }
                    room.end()
                    position &+= 1
                } else {
                    continue values
                }
            } else {
                room.add(try input.readWord(&position))
            }
            // After a value: close what ends here, then go on with the next element or stop.
            while true {
                input.skipSpace(&position)
                guard room.open >= 0 else {
                    guard position == end else { throw CodecError(.trailing, "json: bytes after the value", at: position) }
                    keys.finish()
                    return true
                }
                guard position < end else {
                    throw input.syntax("the bytes end inside of \(room.isMap ? "a map" : "an array")", position)
                }
                let byte = source[position]
                if byte == UInt8(ascii: ",") {
                    position &+= 1
                    input.skipSpace(&position)
                    continue values
                }
                guard byte == (room.isMap ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw input.syntax("expected , or \(room.isMap ? "}" : "]"), found \(input.found(position))", position)
                }
                if room.isMap { try endMap(&room) } else { room.end() }
                position &+= 1
            }
        }
    }

    @inline(never)
    func tooDeep(_ offset: Int) -> CodecError {
        CodecError(.depth, "json: deeper than \(limits.depth) containers", at: offset)
    }
}

extension JSONInput {
    @inline(__always)
    func skipSpace(_ position: inout Int) {
        while position < end {
            let byte = source[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position &+= 1
        }
    }

    @inline(never)
    func readWord(_ position: inout Int) throws(CodecError) -> Entry {
        let start = position
        switch source[start] {
        case UInt8(ascii: "n"):
            try skip("null", &position)
            return Entry(.null, offset: start)
        case UInt8(ascii: "t"):
            try skip("true", &position)
            return Entry(.bool, offset: start, payload: 1)
        case UInt8(ascii: "f"):
            try skip("false", &position)
            return Entry(.bool, offset: start, payload: 0)
        default: throw syntax("expected a value, found \(found(start))", start)
        }
    }

    @inline(__always)
    private func skip(_ word: StaticString, _ position: inout Int) throws(CodecError) {
        let count = word.utf8CodeUnitCount
        guard position + count <= end, equalBytes(source + position, word.utf8Start, count) else {
            throw syntax("expected a value, found a word that is not \(word)", position)
        }
        position += count
    }

    // MARK: Errors

    /// What stands at a position, for messages.
    fileprivate func found(_ position: Int) -> String {
        guard position < end else { return "the end" }
        let byte = source[position]
        return byte > 0x20 && byte < 0x7F ? "\"\(Character(Unicode.Scalar(byte)))\"" : "the byte 0x\(String(byte, radix: 16))"
    }

    @inline(never)
    func syntax(_ message: @autoclosure () -> String, _ offset: Int) -> CodecError {
        CodecError(.syntax, "json: \(message())", at: offset)
    }
}

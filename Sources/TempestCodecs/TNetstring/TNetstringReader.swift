// Bytes of tnetstring to entries: one pass, no recursion.
// Before it: the bytes of a job or answer. After it: a Document or a Value.

/// The bytes of one tnetstring. What only looks at bytes is a function of this, so that no reader is copied for it.
struct TNetstringInput {
    let source: UnsafePointer<UInt8>
    let end: Int

    /// One element: where it begins, where its payload lies, and its tag.
    struct Element {
        var start: Int
        var first: Int
        var length: Int
        var tag: UInt8
        var next: Int { first &+ length &+ 1 }
    }
}

/// Reads one tnetstring; hostile bytes end in an error that names the byte.
struct TNetstringReader: TapeReader {
    static var name: String { "tnetstring" }

    let input: TNetstringInput
    let limits: Limits
    var room: TapeRoom
    var side: OutputBuffer? { nil }
    var keys = LargeMaps()
    var position = 0
    private var hasBegun = false
    /// Where the payload of the innermost open container ends.
    private var stop: Int

    init(_ bytes: UnsafeRawBufferPointer, limits: Limits, room: TapeRoom, side: OutputBuffer) {
        let source = bytes.baseAddress ?? UnsafeRawPointer(room.entries)
        input = TNetstringInput(source: source.assumingMemoryBound(to: UInt8.self), end: bytes.count)
        stop = bytes.count
        self.limits = limits
        self.room = room
    }

    var source: UnsafePointer<UInt8> { input.source }

    mutating func run() throws(CodecError) -> Bool { try read(keepsPlace: false) }

    @inline(never)
    mutating func runKeepingPlace() throws(CodecError) -> Bool { try read(keepsPlace: true) }

    @inline(__always)
    private mutating func read(keepsPlace: Bool) throws(CodecError) -> Bool {
        // Copies in registers: the compiler cannot know that an entry that is written does not change them.
        let input = input
        let end = input.end
        let depthLimit = limits.depth
        var (position, room, stop) = (position, room, stop)
        defer { if keepsPlace { self.room = room } }
        if !hasBegun {
            hasBegun = true
            guard end > 0 else { throw input.syntax("there is no value", 0) }
            let root = try input.readElement(0, end)
            guard root.next == end else { throw CodecError(.trailing, "tnetstring: bytes after the value", at: root.next) }
        }
        while true {
            while position == stop {
                guard room.open >= 0 else {
                    (self.position, self.room) = (position, room)
                    keys.finish()
                    return true
                }
                if room.isMap { try checkKeys(room) }
                room.end()
                position = stop &+ 1
                stop = try input.enclosing(room)
            }
            guard room.hasRoom else {
                (self.position, self.room, self.stop) = (position, room, stop)
                return false
            }
            var element = try input.readElement(position, stop)
            if room.isMap {
                guard element.tag == UInt8(ascii: ",") else {
                    throw CodecError(.text, "tnetstring: a key must be text, found tag \(input.name(element.tag))", at: position)
                }
                let check = UTF8Check.check(input.payload(element))
                guard check != .invalid else { throw CodecError(.text, "tnetstring: text that is not valid UTF-8", at: position) }
                room.addKey(
                    Entry(
                        .text, offset: position, start: element.first, length: element.length,
                        flags: check == .ascii ? Entry.isKey | Entry.isASCII : Entry.isKey))
                position = element.next
                guard position < stop else { throw input.syntax("the map ends between a key and its value", position) }
                element = try input.readElement(position, stop)
            }
            if element.tag == UInt8(ascii: "}") || element.tag == UInt8(ascii: "]") {
                guard room.depth < depthLimit else {
                    throw CodecError(.depth, "tnetstring: deeper than \(depthLimit) containers", at: position)
                }
                room.begin(element.tag == UInt8(ascii: "}") ? .map : .array, at: position)
                position = element.first
                stop = element.first &+ element.length
                continue
            }
            room.add(try input.readScalar(element))
            position = element.next
        }
    }
}

extension TNetstringInput {
    /// Where the payload of the open container ends: its length is read again, so that no stack is needed.
    @inline(__always)
    fileprivate func enclosing(_ room: TapeRoom) throws(CodecError) -> Int {
        guard room.open >= 0 else { return end }
        let element = try readElement(Int(room.entries[room.open].offset), end)
        return element.first &+ element.length
    }

    @inline(__always)
    fileprivate func payload(_ element: Element) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: source + element.first, count: element.length)
    }

    /// Reads a length and a colon, and finds the tag.
    @inline(__always)
    fileprivate func readElement(_ start: Int, _ stop: Int) throws(CodecError) -> Element {
        var position = start
        var length = 0
        while position < stop, source[position] &- 48 < 10 {
            length = length &* 10 &+ Int(source[position] &- 48)
            position &+= 1
            guard position &- start <= 9 else { throw syntax("a length of more than 9 digits", start) }
        }
        guard position > start else { throw syntax("expected a length", start) }
        guard source[start] != UInt8(ascii: "0") || position == start &+ 1 else {
            throw syntax("a length with a leading zero", start)
        }
        guard position < stop, source[position] == UInt8(ascii: ":") else { throw syntax("expected : after a length", position) }
        let first = position &+ 1
        guard length < stop &- first else { throw tooMuch(length, stop &- first, start) }
        return Element(start: start, first: first, length: length, tag: source[first &+ length])
    }

    @inline(__always)
    fileprivate func readScalar(_ element: Element) throws(CodecError) -> Entry {
        let (start, first, length) = (element.start, element.first, element.length)
        switch element.tag {
        case UInt8(ascii: ","):
            let check = UTF8Check.check(payload(element))
            if check == .invalid { return Entry(.binary, offset: start, start: first, length: length) }
            return Entry(.text, offset: start, start: first, length: length, flags: check == .ascii ? Entry.isASCII : 0)
        case UInt8(ascii: "#"): return try readInteger(element)
        case UInt8(ascii: "^"): return try readFloat(element)
        case UInt8(ascii: "!"):
            if length == 4, equalBytes(source + first, ("true" as StaticString).utf8Start, 4) {
                return Entry(.bool, offset: start, payload: 1)
            }
            if length == 5, equalBytes(source + first, ("false" as StaticString).utf8Start, 5) {
                return Entry(.bool, offset: start, payload: 0)
            }
            throw syntax("a bool is true or false", start)
        case UInt8(ascii: "~"):
            guard length == 0 else { throw syntax("null has no bytes", start) }
            return Entry(.null, offset: start)
        default: throw syntax("there is no tag \(name(element.tag))", first &+ length)
        }
    }

    @inline(__always)
    private func readInteger(_ element: Element) throws(CodecError) -> Entry {
        let isNegative = element.length > 0 && source[element.first] == UInt8(ascii: "-")
        let first = isNegative ? element.first &+ 1 : element.first
        let stop = element.first &+ element.length
        var value: UInt64 = 0
        var index = first
        while index < stop, source[index] &- 48 < 10 {
            value = value &* 10 &+ UInt64(source[index] &- 48)
            index &+= 1
        }
        guard index == stop, index > first, source[first] != 48 || (stop &- first == 1 && !isNegative) else {
            throw number("an integer is digits without + or leading zeros, and never -0", element.start)
        }
        // 18 digits always fit; so does their negative.
        if stop &- first <= 18 {
            let signed = isNegative ? 0 &- value : value
            return Entry(.int, offset: element.start, payload: signed)
        }
        let digits = UnsafeRawBufferPointer(start: source + first, count: stop &- first)
        switch IntegerText.parse(digits, isNegative: isNegative) {
        case .int(let value): return Entry(.int, offset: element.start, payload: UInt64(bitPattern: value))
        case .uint(let value): return Entry(.uint, offset: element.start, payload: value)
        case .outOfRange: throw number("an integer beyond -2^63 to 2^64-1", element.start)
        }
    }

    private func readFloat(_ element: Element) throws(CodecError) -> Entry {
        var index = element.first
        let stop = element.first &+ element.length
        func digits() -> Bool {
            let first = index
            while index < stop, source[index] &- 48 < 10 { index &+= 1 }
            return index > first
        }
        if index < stop, source[index] == UInt8(ascii: "-") { index &+= 1 }
        var isFloat = digits()
        if isFloat, index < stop, source[index] == UInt8(ascii: ".") {
            index &+= 1
            isFloat = digits()
        }
        if isFloat, index < stop, source[index] == UInt8(ascii: "e") {
            index &+= 1
            if index < stop, source[index] == UInt8(ascii: "+") || source[index] == UInt8(ascii: "-") { index &+= 1 }
            isFloat = digits()
        }
        guard isFloat, index == stop else {
            throw number("a float is -?digits[.digits][e[+-]digits]", element.start)
        }
        guard let value = FloatReading.value(of: payload(element)) else {
            throw number("a float beyond the largest", element.start)
        }
        return Entry(.double, offset: element.start, payload: value.bitPattern)
    }

    // MARK: Errors

    fileprivate func name(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "\"\(Character(Unicode.Scalar(byte)))\"" : "0x\(String(byte, radix: 16))"
    }

    @inline(never)
    fileprivate func syntax(_ message: @autoclosure () -> String, _ offset: Int) -> CodecError {
        CodecError(.syntax, "tnetstring: \(message())", at: offset)
    }

    @inline(never)
    private func number(_ message: String, _ offset: Int) -> CodecError {
        CodecError(.number, "tnetstring: \(message)", at: offset)
    }

    @inline(never)
    private func tooMuch(_ length: Int, _ left: Int, _ offset: Int) -> CodecError {
        CodecError(.claim, "tnetstring: \(length) bytes and a tag were claimed but only \(left) bytes are left", at: offset)
    }
}

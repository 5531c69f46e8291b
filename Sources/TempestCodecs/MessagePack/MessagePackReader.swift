// Bytes of MessagePack to entries: one pass, no recursion, and no memory for what is only claimed.
// Before it: the bytes of a job or answer. After it: a Document or a Value.

/// The bytes of one MessagePack document. What only looks at bytes is a function of this, so that no reader is copied for it.
struct MessagePackInput {
    let source: UnsafePointer<UInt8>
    let end: Int
}

/// Reads one MessagePack document; hostile bytes end in an error that names the byte.
///
/// Written out here and not left to libmsgpack, which builds a tree of its own first, takes memory for whatever a header claims (five
/// bytes took 4 GB) and stops at 32 levels; ``MessagePackReference`` holds this against it.
struct MessagePackReader: TapeReader {
    static var name: String { "msgpack" }

    let input: MessagePackInput
    let limits: Limits
    var room: TapeRoom
    var side: OutputBuffer? { nil }
    var keys = LargeMaps()
    var position = 0
    /// Elements (keys and values each) that the innermost container still wants.
    private var left = 1
    /// The elements that all containers still claim: every one takes a byte at least.
    private var owed = 1

    init(_ bytes: UnsafeRawBufferPointer, limits: Limits, room: TapeRoom, side: OutputBuffer) {
        let source = bytes.baseAddress ?? UnsafeRawPointer(room.entries)
        input = MessagePackInput(source: source.assumingMemoryBound(to: UInt8.self), end: bytes.count)
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
        let depthLimit = limits.depth
        let (source, end) = (input.source, input.end)
        guard end > 0 else { throw CodecError(.syntax, "msgpack: there is no value", at: 0) }
        var (position, room, left, owed) = (position, room, left, owed)
        defer { if keepsPlace { self.room = room } }
        while true {
            while left == 0 {
                guard room.open >= 0 else {
                    guard position == end else { throw CodecError(.trailing, "msgpack: bytes after the value", at: position) }
                    (self.position, self.room) = (position, room)
                    keys.finish()
                    return true
                }
                if room.isMap { try checkKeys(room) }
                room.end()
                left = try input.wanted(room)
            }
            guard room.hasRoom else {
                (self.position, self.room, self.left, self.owed) = (position, room, left, owed)
                return false
            }
            if room.isMap {
                left &-= 1
                owed &-= 1
                room.addKey(try input.readKey(&position, owed))
            }
            left &-= 1
            owed &-= 1
            guard position < end else { throw input.ended(position) }
            let first = source[position]
            if first < 0x80 {
                room.add(Entry(.int, offset: position, payload: UInt64(first)))
                position &+= 1
                continue
            }
            if first & 0xE0 == 0xA0 {
                room.add(try input.readText(&position, Int(first & 0x1F), header: 1, owed))
                continue
            }
            guard let (kind, count, header) = try input.openContainer(first, position) else {
                room.add(try input.readScalar(first, &position, owed))
                continue
            }
            guard room.depth < depthLimit else {
                throw CodecError(.depth, "msgpack: deeper than \(depthLimit) containers", at: position)
            }
            let claim = kind == .map ? count &* 2 : count
            guard claim &+ owed <= end &- position &- header else {
                throw input.tooMuch("\(count) \(kind == .map ? "pairs" : "elements") were claimed", header, position)
            }
            room.begin(kind, at: position)
            position &+= header
            left = claim
            owed &+= claim
        }
    }
}

extension MessagePackInput {
    /// What a container wants still that has been left for one inside of it: its header is read again, so that no stack is needed.
    @inline(__always)
    fileprivate func wanted(_ room: TapeRoom) throws(CodecError) -> Int {
        guard room.open >= 0 else { return 0 }
        let start = Int(room.entries[room.open].offset)
        guard let (kind, count, _) = try openContainer(source[start], start) else { return 0 }
        return kind == .map ? 2 &* (count &- room.elements) : count &- room.elements
    }

    /// The kind, count and header size of the container that begins with this byte; nil if none does.
    @inline(__always)
    fileprivate func openContainer(_ first: UInt8, _ position: Int) throws(CodecError) -> (Kind, Int, Int)? {
        if first < 0x90 { return (.map, Int(first & 0x0F), 1) }
        if first < 0xA0 { return (.array, Int(first & 0x0F), 1) }
        switch first {
        case 0xDC: return (.array, Int(try number(position, UInt16.self)), 3)
        case 0xDD: return (.array, Int(try number(position, UInt32.self)), 5)
        case 0xDE: return (.map, Int(try number(position, UInt16.self)), 3)
        case 0xDF: return (.map, Int(try number(position, UInt32.self)), 5)
        default: return nil
        }
    }

    fileprivate func readScalar(_ first: UInt8, _ position: inout Int, _ owed: Int) throws(CodecError) -> Entry {
        let start = position
        func integer<N: FixedWidthInteger>(_ number: N) -> Entry {
            position = start &+ 1 &+ N.bitWidth / 8
            return Entry(.int, offset: start, payload: UInt64(truncatingIfNeeded: number))
        }
        switch first {
        case 0xE0...0xFF:
            position = start &+ 1
            return Entry(.int, offset: start, payload: UInt64(bitPattern: Int64(Int8(bitPattern: first))))
        case 0xCB: position = start &+ 9; return try double(Double(bitPattern: number(start, UInt64.self)), start)
        case 0xCA: position = start &+ 5; return try double(Double(Float(bitPattern: number(start, UInt32.self))), start)
        case 0xCC: return integer(try number(start, UInt8.self))
        case 0xCD: return integer(try number(start, UInt16.self))
        case 0xCE: return integer(try number(start, UInt32.self))
        case 0xCF:
            let value = try number(start, UInt64.self)
            position = start &+ 9
            return Entry(value > UInt64(Int64.max) ? .uint : .int, offset: start, payload: value)
        case 0xD0: return integer(Int8(bitPattern: try number(start, UInt8.self)))
        case 0xD1: return integer(Int16(bitPattern: try number(start, UInt16.self)))
        case 0xD2: return integer(Int32(bitPattern: try number(start, UInt32.self)))
        case 0xD3: return integer(Int64(bitPattern: try number(start, UInt64.self)))
        case 0xC0: position = start &+ 1; return Entry(.null, offset: start)
        case 0xC2: position = start &+ 1; return Entry(.bool, offset: start, payload: 0)
        case 0xC3: position = start &+ 1; return Entry(.bool, offset: start, payload: 1)
        case 0xD9: return try readText(&position, Int(number(start, UInt8.self)), header: 2, owed)
        case 0xDA: return try readText(&position, Int(number(start, UInt16.self)), header: 3, owed)
        case 0xDB: return try readText(&position, Int(number(start, UInt32.self)), header: 5, owed)
        case 0xC4: return try readBytes(.binary, &position, Int(number(start, UInt8.self)), header: 2, owed)
        case 0xC5: return try readBytes(.binary, &position, Int(number(start, UInt16.self)), header: 3, owed)
        case 0xC6: return try readBytes(.binary, &position, Int(number(start, UInt32.self)), header: 5, owed)
        case 0xD4...0xD8: return try readBytes(.ext, &position, 1 << Int(first - 0xD4), header: 2, owed)
        case 0xC7: return try readBytes(.ext, &position, Int(number(start, UInt8.self)), header: 3, owed)
        case 0xC8: return try readBytes(.ext, &position, Int(number(start, UInt16.self)), header: 4, owed)
        case 0xC9: return try readBytes(.ext, &position, Int(number(start, UInt32.self)), header: 6, owed)
        default: throw CodecError(.syntax, "msgpack: 0xC1 begins no value", at: start)
        }
    }

    /// Ruby packs ASCII-8BIT strings as bin: as a key, bin that is UTF-8 is text.
    @inline(__always)
    fileprivate func readKey(_ position: inout Int, _ owed: Int) throws(CodecError) -> Entry {
        guard position < end else { throw ended(position) }
        let start = position
        let first = source[start]
        let (count, header): (Int, Int)
        if first & 0xE0 == 0xA0 { (count, header) = (Int(first & 0x1F), 1) } else { (count, header) = try longKey(first, start) }
        var key = try readText(&position, count, header: header, owed)
        key.flags |= Entry.isKey
        return key
    }

    @inline(never)
    private func longKey(_ first: UInt8, _ start: Int) throws(CodecError) -> (Int, Int) {
        switch first {
        case 0xD9, 0xC4: return (Int(try number(start, UInt8.self)), 2)
        case 0xDA, 0xC5: return (Int(try number(start, UInt16.self)), 3)
        case 0xDB, 0xC6: return (Int(try number(start, UInt32.self)), 5)
        case 0xC1: throw CodecError(.syntax, "msgpack: 0xC1 begins no value", at: start)
        default: throw CodecError(.text, "msgpack: a key must be text", at: start)
        }
    }

    /// The text of `count` bytes after a header.
    @inline(__always)
    fileprivate func readText(_ position: inout Int, _ count: Int, header: Int, _ owed: Int) throws(CodecError) -> Entry {
        let start = position
        let first = start &+ header
        guard count &+ owed <= end &- first else { throw tooMuch("\(count) bytes were claimed", header, start) }
        let bytes = UnsafeRawBufferPointer(start: source + first, count: count)
        let check = UTF8Check.check(bytes)
        guard check != .invalid else { throw notText(start) }
        position = first &+ count
        return Entry(.text, offset: start, start: first, length: count, flags: check == .ascii ? Entry.isASCII : 0)
    }

    private func readBytes(
        _ kind: Kind, _ position: inout Int, _ count: Int, header: Int, _ owed: Int
    ) throws(CodecError) -> Entry {
        let start = position
        let first = start &+ header
        guard first <= end, count &+ owed <= end &- first else { throw tooMuch("\(count) bytes were claimed", header, start) }
        position = first &+ count
        // The type of an ext is the last byte of its header.
        let type = kind == .ext ? Int8(bitPattern: source[first &- 1]) : 0
        return Entry(kind, offset: start, start: first, length: count, type: type)
    }

    private func double(_ value: Double, _ start: Int) throws(CodecError) -> Entry {
        guard value.isFinite else { throw CodecError(.number, "msgpack: a float that is not finite", at: start) }
        return Entry(.double, offset: start, payload: value.bitPattern)
    }

    /// The number after a format byte, its highest byte first.
    @inline(__always)
    private func number<N: FixedWidthInteger & UnsignedInteger>(_ start: Int, _ type: N.Type) throws(CodecError) -> N {
        let size = N.bitWidth / 8
        guard start &+ size < end else { throw headerEnded(start, size) }
        return N(bigEndian: UnsafeRawPointer(source).loadUnaligned(fromByteOffset: start &+ 1, as: N.self))
    }

    // MARK: Errors

    @inline(never)
    private func headerEnded(_ start: Int, _ size: Int) -> CodecError {
        CodecError(.claim, "msgpack: a header of \(size + 1) bytes but only \(end - start) are left", at: start)
    }

    @inline(never)
    fileprivate func ended(_ position: Int) -> CodecError {
        CodecError(.claim, "msgpack: the bytes end before the value does", at: position)
    }

    @inline(never)
    private func notText(_ start: Int) -> CodecError {
        CodecError(.text, "msgpack: text that is not valid UTF-8", at: start)
    }

    @inline(never)
    fileprivate func tooMuch(_ what: String, _ header: Int, _ start: Int) -> CodecError {
        CodecError(.claim, "msgpack: \(what) but only \(max(end - start - header, 0)) bytes are left", at: start)
    }
}

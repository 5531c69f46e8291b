// One value or key in the flat form of a document, and the tape of them.
// Written by DocumentBuilder and TokenBuffer; read by Node, the decoder and the writers.

/// What a value is.
public enum Kind: UInt8, Sendable, CustomStringConvertible {
    case null, bool, int, uint, double, text, binary, array, map, ext

    /// The word for messages: `integer` for both int and uint, `float` for double.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int, .uint: "integer"
        case .double: "float"
        case .text: "text"
        case .binary: "binary"
        case .array: "array"
        case .map: "map"
        case .ext: "ext"
        }
    }
}

/// A value or a key: 16 bytes.
///
/// The payload is the bits of a number; the start (high half) and length (low half) of bytes; or the end (high half: the index
/// after the last entry inside) and count (low half) of a container. A map's entries are key, value, key, value….
struct Entry: Sendable {
    var kind: Kind
    var flags: UInt8 = 0
    var type: Int8 = 0
    var offset: UInt32
    var payload: UInt64

    /// The bytes are in the side buffer, not in the source.
    static let inSide: UInt8 = 1
    /// The entry is a map's key.
    static let isKey: UInt8 = 2
    /// The entry stands for a recording that is spliced in later.
    static let isSplice: UInt8 = 4
    /// Every byte of the text is ASCII (not set: not known).
    static let isASCII: UInt8 = 8
    /// The container is read straight to a value, and its first elements have been taken already.
    static let isBegun: UInt8 = 16

    @inline(__always)
    init(_ kind: Kind, offset: Int, payload: UInt64 = 0) {
        self.kind = kind
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.payload = payload
    }

    @inline(__always)
    init(_ kind: Kind, offset: Int, start: Int, length: Int, flags: UInt8 = 0, type: Int8 = 0) {
        self.init(kind, offset: offset, payload: UInt64(start) << 32 | UInt64(length))
        self.flags = flags
        self.type = type
    }

    @inline(__always) var high: Int { Int(payload >> 32) }
    @inline(__always) var low: Int { Int(payload & 0xFFFF_FFFF) }
    @inline(__always) var isContainer: Bool { kind == .array || kind == .map }
    /// Whether the payload is a place in the bytes.
    @inline(__always) var hasBytes: Bool { kind == .text || kind == .binary || kind == .ext }

    /// The same entry on a tape that has so many entries and bytes before it.
    @inline(__always)
    func moved(by count: Int, bytes: Int) -> Entry {
        var moved = self
        if isContainer { moved.payload &+= UInt64(count) << 32 } else if hasBytes { moved.payload &+= UInt64(bytes) << 32 }
        return moved
    }
}

/// The entries of one or more values and the bytes that they point into.
struct Tape: Sendable {
    var entries: [Entry] = []
    var source: [UInt8] = []
    var side: [UInt8] = []

    /// The index after the value at `index`.
    @inline(__always)
    func next(_ index: Int) -> Int {
        let entry = entries[index]
        return entry.isContainer ? entry.high : index + 1
    }

    /// The bytes of a text, binary, ext or key.
    @inline(__always)
    func withBytes<R>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws(CodecError) -> R) throws(CodecError) -> R {
        let start = entry.high
        let length = entry.low
        if entry.flags & Entry.inSide != 0 {
            return try side.withRawBytes { (raw) throws(CodecError) in
                try body(UnsafeRawBufferPointer(rebasing: raw[start..<start + length]))
            }
        }
        return try source.withRawBytes { (raw) throws(CodecError) in
            try body(UnsafeRawBufferPointer(rebasing: raw[start..<start + length]))
        }
    }

    /// The same for bodies that do not throw.
    @inline(__always)
    func bytes<R>(of entry: Entry, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let start = entry.high
        let length = entry.low
        return (entry.flags & Entry.inSide != 0 ? side : source).withUnsafeBytes { raw in
            body(UnsafeRawBufferPointer(rebasing: raw[start..<start + length]))
        }
    }

    /// The text of an entry; builders let only valid UTF-8 in.
    func string(_ entry: Entry) -> String {
        withView { $0.string(entry) }
    }

    func array(_ entry: Entry) -> [UInt8] {
        bytes(of: entry) { [UInt8]($0) }
    }
}

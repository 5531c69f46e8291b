// One entry of the flat parse: 16 bytes, whatever it stands for. Documents and token buffers are lists of them.

/// What a node is.
public enum Kind: UInt8, Sendable, CustomStringConvertible {
    case null, bool, int, uint, double, text, binary, ext, array, map

    /// As errors name it.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int, .uint: "integer"
        case .double: "float"
        case .text: "text"
        case .binary: "binary"
        case .ext: "ext"
        case .array: "array"
        case .map: "map"
        }
    }
}

struct Entry: Sendable {
    /// kind, 8 bits; whether the bytes are in the side buffer, 1 bit; ext type at bit 16, 8 bits; length or count from bit 24, 40 bits.
    private var head: UInt64
    /// Numbers: their bits. Text, binary, ext: the offset of their bytes. Containers: the index of the entry after them.
    var payload: UInt64

    init(_ kind: Kind, payload: UInt64 = 0, count: Int = 0, isAside: Bool = false, ext: Int8 = 0) {
        head = UInt64(kind.rawValue) | (isAside ? 256 : 0) | UInt64(UInt8(bitPattern: ext)) << 16 | UInt64(count) << 24
        self.payload = payload
    }

    var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: head)).unsafelyUnwrapped }
    var isAside: Bool { head & 256 != 0 }
    var ext: Int8 { Int8(truncatingIfNeeded: head >> 16) }
    var count: Int {
        get { Int(truncatingIfNeeded: head >> 24) }
        set { head = head & 0xFF_FFFF | UInt64(newValue) << 24 }
    }
    var offset: Int { Int(truncatingIfNeeded: payload) }
    var isContainer: Bool { kind == .array || kind == .map }
}

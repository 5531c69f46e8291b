// Looking into a dynamic value, and how it prints.
// Used by handlers of untyped arguments, logs and tests.

extension Value {
    /// The value under a key of a map; nil if there is none or this is no map.
    public subscript(key: String) -> Value? { asMap?[key] }

    /// The element at a place of an array; nil if there is none or this is no array.
    public subscript(index: Int) -> Value? {
        guard case .array(let array) = self, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// What the value is.
    public var kind: Kind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .text: .text
        case .binary: .binary
        case .array: .array
        case .map: .map
        case .ext: .ext
        }
    }

    /// Whether it is null.
    public var isNull: Bool { if case .null = self { true } else { false } }
    /// The bool, or nil for any other kind.
    public var asBool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    /// The integer if it fits Int64, or nil for any other kind.
    public var asInt: Int64? {
        switch self {
        case .int(let int): int
        case .uint(let uint): Int64(exactly: uint)
        default: nil
        }
    }
    /// The integer if it is not negative, or nil for any other kind.
    public var asUInt: UInt64? {
        switch self {
        case .int(let int): UInt64(exactly: int)
        case .uint(let uint): uint
        default: nil
        }
    }
    /// The float, or nil for any other kind.
    public var asDouble: Double? { if case .double(let double) = self { double } else { nil } }
    /// The text, or nil for any other kind.
    public var asText: String? { if case .text(let text) = self { text } else { nil } }
    /// The bytes of binary, or nil for any other kind.
    public var asBinary: [UInt8]? { if case .binary(let bytes) = self { bytes } else { nil } }
    /// The elements, or nil for any other kind.
    public var asArray: [Value]? { if case .array(let array) = self { array } else { nil } }
    /// The map, or nil for any other kind.
    public var asMap: ValueMap? { if case .map(let map) = self { map } else { nil } }
}

extension Value: CustomStringConvertible {
    /// Compact and like JSON; binary is `b"6869"` in hex, ext `ext(5, "00ff")`.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): String(int)
        case .uint(let uint): String(uint)
        case .double(let double): double.isFinite ? FloatText.text(double) : double.description
        case .text(let text): JSONText.quoted(text)
        case .binary(let bytes): "b\"\(Self.hex(bytes))\""
        case .array(let array): "[\(array.map(\.description).joined(separator: ","))]"
        case .map(let map): "{\(map.map { "\(JSONText.quoted($0.key)):\($0.value)" }.joined(separator: ","))}"
        case .ext(let type, let data): "ext(\(type), \"\(Self.hex(data))\")"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

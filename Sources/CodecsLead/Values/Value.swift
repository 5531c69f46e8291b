// What every codec can say, and nothing else (protocol/codecs.md, "Values"): the form of arguments without a type of their own.

/// A value of any codec: the dynamic counterpart of a `Codable` type.
///
/// Integers and floats are different values. `.uint` holds only what is above `Int64.max`; every reader and `init` sees to that.
public enum Value: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case text(String)
    case binary([UInt8])
    case array([Value])
    case map(ValueMap)
    /// MessagePack's extension types, carried as they are; JSON and tnetstring cannot write them.
    case ext(type: Int8, data: [UInt8])

    /// An integer; traps outside -2^63 ... 2^64-1.
    public init(_ integer: some BinaryInteger) {
        if let int = Int64(exactly: integer) { self = .int(int) } else { self = .uint(UInt64(integer)) }
    }

    /// The element of an array; nil for anything else, or outside of it.
    public subscript(index: Int) -> Value? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The value under a key of a map; nil for anything else, or without it.
    public subscript(key: String) -> Value? {
        guard case .map(let map) = self else { return nil }
        return map[key]
    }

    public var isNull: Bool { if case .null = self { true } else { false } }
    public var asBool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    public var asInt: Int64? { if case .int(let int) = self { int } else { nil } }
    public var asDouble: Double? { if case .double(let double) = self { double } else { nil } }
    public var asText: String? { if case .text(let text) = self { text } else { nil } }
    public var asBinary: [UInt8]? { if case .binary(let bytes) = self { bytes } else { nil } }
    public var asArray: [Value]? { if case .array(let elements) = self { elements } else { nil } }
    public var asMap: ValueMap? { if case .map(let map) = self { map } else { nil } }
}

extension Value: Equatable {
    public static func == (a: Value, b: Value) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.uint(let a), .uint(let b)): a == b
        case (.int(let a), .uint(let b)), (.uint(let b), .int(let a)): UInt64(exactly: a) == b
        // To the bit: 0.0 and -0.0 are different values.
        case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
        // To the byte: Swift's own equality of text is canonical equivalence.
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        case (.binary(let a), .binary(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.ext(let type, let data), .ext(let otherType, let otherData)): type == otherType && data == otherData
        default: false
        }
    }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, Value)...) { self = .map(ValueMap(elements)) }
}

extension Value: CustomStringConvertible {
    /// JSON as far as it goes; for people.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): String(int)
        case .uint(let uint): String(uint)
        case .double(let double): double.isFinite ? String(decoding: FloatText.bytes(double), as: UTF8.self) : "\(double)"
        case .text(let text): text.debugDescription
        case .binary(let bytes): "<\(bytes.count) bytes>"
        case .array(let elements): "[" + elements.map(\.description).joined(separator: ",") + "]"
        case .map(let map): "{" + map.map { "\($0.key.debugDescription):\($0.value)" }.joined(separator: ",") + "}"
        case .ext(let type, let data): "<ext \(type), \(data.count) bytes>"
        }
    }
}

extension Value: TokenWritable {
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        switch self {
        case .null: try writer.null()
        case .bool(let bool): try writer.bool(bool)
        case .int(let int): try writer.int(int)
        case .uint(let uint): try writer.uint(uint)
        case .double(let double): try writer.double(double)
        case .text(let text): try writer.text(text)
        case .binary(let bytes): try writer.binary(bytes)
        case .ext(let type, let data): try writer.ext(type: type, data: data)
        case .array(let elements):
            // The writer refuses what is too deep, which ends this recursion.
            try writer.beginArray(count: elements.count)
            for element in elements { try element.write(to: &writer) }
            try writer.endArray()
        case .map(let map):
            try writer.beginMap(count: map.count)
            for (key, value) in map {
                try writer.key(key)
                try value.write(to: &writer)
            }
            try writer.endMap()
        }
    }
}

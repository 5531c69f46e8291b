// A dynamic value: what a document holds when no type says so.
// Made by literals or from a Node; written by every codec.

/// A value of the protocol: what all codecs can carry (ext: MessagePack alone).
///
/// `.int(1)` and `.double(1.0)` are different values, `0.0` and `-0.0` equal ones. Integers are `.uint` only above `Int64.max`:
/// readers and ``init(_:)`` see to it, and equality does not mind.
public enum Value: Sendable {
    /// Nothing.
    case null
    /// True or false.
    case bool(Bool)
    /// An integer that fits Int64.
    case int(Int64)
    /// An integer above `Int64.max`.
    case uint(UInt64)
    /// A float; NaN and the infinities are refused when it is written.
    case double(Double)
    /// Text.
    case text(String)
    /// Bytes.
    case binary([UInt8])
    /// Values, in order.
    case array([Value])
    /// Values under text keys, in order.
    case map(ValueMap)
    /// A MessagePack extension, carried as it is.
    case ext(type: Int8, data: [UInt8])

    /// An integer; a programming error if it is below -2^63 or above 2^64-1.
    public init(_ integer: some BinaryInteger) {
        if let int = Int64(exactly: integer) {
            self = .int(int)
        } else if let uint = UInt64(exactly: integer) {
            self = .uint(uint)
        } else {
            preconditionFailure("\(integer) is beyond the integers of the protocol, -2^63 to 2^64-1")
        }
    }
}

extension Value: Equatable {
    /// Whether two values are the same; maps whatever their order.
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.uint(let a), .uint(let b)): a == b
        case (.int(let a), .uint(let b)), (.uint(let b), .int(let a)): UInt64(exactly: a) == b
        case (.double(let a), .double(let b)): a == b
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        case (.binary(let a), .binary(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.ext(let a, let b), .ext(let c, let d)): a == c && b == d
        default: false
        }
    }
}

extension Value: TokenWritable {
    /// Writes the value; as deep as the writer's limit at most.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.write(self)
    }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `nil` is null.
    public init(nilLiteral: ()) { self = .null }
    /// `true`, `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer; larger ones: `Value(UInt64.max)`.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A float.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// An array.
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    /// A map.
    public init(dictionaryLiteral elements: (String, Value)...) { self = .map(ValueMap(elements)) }
}

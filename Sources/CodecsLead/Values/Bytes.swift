// Binary as a type: what a Codable struct writes where it means bytes.

/// Bytes that are written as binary. `[UInt8]` does the same; this type says it.
public struct Bytes: Sendable, Hashable, Codable, ExpressibleByArrayLiteral {
    public var bytes: [UInt8]

    public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public init(arrayLiteral elements: UInt8...) { bytes = elements }

    public init(from decoder: any Decoder) throws { bytes = try decoder.singleValueContainer().decode([UInt8].self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}

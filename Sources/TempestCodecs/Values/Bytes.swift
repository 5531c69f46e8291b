// Bytes as a type: a field that says it is binary.
// Written as binary by every codec; read from binary, text, or an array of integers.

/// Bytes that are written as binary. `[UInt8]` does the same with the codecs of this package; this type says so.
public struct Bytes: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// The bytes.
    public var bytes: [UInt8]

    /// Bytes.
    public init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Bytes.
    public init(arrayLiteral elements: UInt8...) {
        bytes = elements
    }

    /// Calls the body with the bytes; the pointer is good no longer than the call.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes(body)
    }
}

extension Bytes: Codable {
    /// Reads binary, text or an array of integers from 0 to 255.
    public init(from decoder: any Decoder) throws {
        bytes = try decoder.singleValueContainer().decode([UInt8].self)
    }

    /// Writes binary.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}

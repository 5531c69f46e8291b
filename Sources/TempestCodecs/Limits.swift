// How much a document may hold; the same for reading and for writing.
// Checked while bytes are read, before memory is taken for what they claim.

/// The bounds of a document. The defaults are those of the protocol; a program may set others for itself.
public struct Limits: Sendable, Equatable {
    /// Containers inside each other: a scalar has depth 0, `[]` 1, `[[]]` 2.
    public var depth: Int
    /// Scalars, arrays, maps and keys together.
    public var values: Int
    /// Bytes of the document; never more than 4 GiB - 1.
    public var bytes: Int

    /// Limits; those that are not given are the protocol's.
    public init(depth: Int = 64, values: Int = 1_000_000, bytes: Int = 16 * 1024 * 1024) {
        self.depth = depth
        self.values = values
        self.bytes = min(bytes, Int(UInt32.max))
    }

    /// The protocol's limits: 64 deep, 1,000,000 values, 16 MiB.
    public static let standard = Limits()
}

// How much a document may hold; the same for reading and for writing.
// Checked while bytes are read, before memory is taken for what they claim.

/// The bounds of a document. The defaults are those of the protocol; a program may set others for itself.
public struct Limits: Sendable, Equatable {
    /// Containers inside each other: a scalar has depth 0, `[]` 1, `[[]]` 2. At most 1,000.
    public var depth: Int { didSet { depth = Self.clamp(depth, 1000) } }
    /// Scalars, arrays, maps and keys together. At most 2,000,000,000.
    public var values: Int { didSet { values = Self.clamp(values, 2_000_000_000) } }
    /// Bytes of the document; at most 4 GiB - 1 KiB.
    public var bytes: Int { didSet { bytes = Self.clamp(bytes, Int(UInt32.max) - 1024) } }

    /// Limits; those that are not given are the protocol's.
    public init(depth: Int = 64, values: Int = 1_000_000, bytes: Int = 16 * 1024 * 1024) {
        self.depth = Self.clamp(depth, 1000)
        self.values = Self.clamp(values, 2_000_000_000)
        self.bytes = Self.clamp(bytes, Int(UInt32.max) - 1024)
    }

    /// What lies beyond the bounds becomes the bound.
    private static func clamp(_ limit: Int, _ most: Int) -> Int { min(max(limit, 0), most) }

    /// The protocol's limits: 64 deep, 1,000,000 values, 16 MiB.
    public static let standard = Limits()
}

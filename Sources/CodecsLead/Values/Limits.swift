// How large a document may be: against bombs, and alike in every language (protocol/codecs.md).

/// What a reader accepts and a writer makes.
public struct Limits: Sendable, Equatable {
    /// How deep arrays and maps may be nested; a scalar has depth 0.
    public var depth: Int
    /// Scalars, arrays, maps and keys together.
    public var values: Int
    /// Bytes of the whole document.
    public var bytes: Int

    public init(depth: Int = 64, values: Int = 1_000_000, bytes: Int = 16 << 20) {
        (self.depth, self.values, self.bytes) = (depth, values, bytes)
    }

    public static let standard = Limits()
}

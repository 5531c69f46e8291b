// The limits that every writer keeps: what we write, our own readers accept.

/// Depth and size of a document under way; writers of codecs, also of those outside this package, keep one.
public struct Nesting: Sendable {
    public let limits: Limits
    public private(set) var depth = 0
    private var values = 0

    public init(_ limits: Limits) { self.limits = limits }

    /// A scalar, a key, or the beginning of a container.
    public mutating func value() throws(CodecError) {
        values += 1
        guard values <= limits.values else { throw CodecError(.values, "more than \(limits.values) values") }
    }

    /// The beginning of an array or map.
    public mutating func begin() throws(CodecError) {
        try value()
        guard depth < limits.depth else { throw CodecError(.depth, "nested deeper than the limit of \(limits.depth)") }
        depth += 1
    }

    public mutating func end() { depth -= 1 }

    /// The size that the document has by now.
    public func check(bytes: Int) throws(CodecError) {
        guard bytes <= limits.bytes else { throw CodecError(.size, "\(bytes) bytes, more than the limit of \(limits.bytes)") }
    }

    /// NaN and the infinities have no form in any codec.
    public static func finite(_ value: Double) throws(CodecError) {
        guard value.isFinite else {
            throw CodecError(.number, "\(value) has no form in any codec: only finite floats are values")
        }
    }
}

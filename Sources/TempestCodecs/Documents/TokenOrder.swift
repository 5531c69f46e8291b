// What a codec's writer must refuse, for the writers of codecs from outside this package: DocumentBuilder's counterpart.
// Asked by a TokenWriter before each token; after it the writer has only bytes to make.

/// Checks the tokens that a ``TokenWriter`` is given: their order, the counts that were announced, depth, values, bytes, UTF-8, finite
/// floats.
///
/// A writer keeps one, calls the method of the same name before it writes a token, and ``fits(_:)`` before it makes bytes. Once a call
/// has thrown, the writer must be thrown away.
///
/// ```swift
/// mutating func double(_ value: Double) throws(CodecError) {
///     try order.double(value)
///     try order.fits(bytes.count + 9)
///     …
/// }
/// ```
public struct TokenOrder: Sendable {
    private var nesting: Nesting
    private let limits: Limits

    /// The order of one document. `codec`: the name that begins the messages.
    public init(codec: String, limits: Limits) {
        nesting = Nesting(name: codec, limits: limits)
        self.limits = limits
    }

    /// Takes null, a bool, an integer, binary or ext.
    public mutating func scalar() throws(CodecError) {
        try nesting.value()
    }

    /// Takes a float; throws ``CodecError/Code/number`` for NaN and the infinities.
    public mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError(.number, "\(nesting.name): \(value) is no value, floats are finite") }
        try nesting.value()
    }

    /// Takes text; throws ``CodecError/Code/text`` if it is not valid UTF-8.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "\(nesting.name): text that is not valid UTF-8") }
        try nesting.value()
    }

    /// Takes a key; throws ``CodecError/Code/text`` if it is not valid UTF-8.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "\(nesting.name): a key that is not valid UTF-8") }
        try nesting.key()
    }

    /// Opens an array of `count` elements.
    public mutating func beginArray(count: Int) throws(CodecError) {
        try nesting.begin(map: false, expected: try checked(count), start: 0)
    }

    /// Closes the array; throws unless all its elements are there.
    public mutating func endArray() throws(CodecError) {
        _ = try nesting.end(map: false)
    }

    /// Opens a map of `count` pairs.
    public mutating func beginMap(count: Int) throws(CodecError) {
        try nesting.begin(map: true, expected: try checked(count), start: 0)
    }

    /// Closes the map; throws unless all its pairs are there.
    public mutating func endMap() throws(CodecError) {
        _ = try nesting.end(map: true)
    }

    /// Throws ``CodecError/Code/size`` if a document of `count` bytes is over the limit.
    public func fits(_ count: Int) throws(CodecError) {
        guard count <= limits.bytes else { throw nesting.tooBig(limits.bytes) }
    }

    /// Throws unless the tokens were exactly one complete value.
    public func finish() throws(CodecError) {
        try nesting.finish()
    }

    /// Below 0 stands for "not known" in the layer below.
    private func checked(_ count: Int) throws(CodecError) -> Int {
        guard count >= 0, count <= UInt32.max else {
            throw CodecError(.syntax, "\(nesting.name): \(count) is no count of elements")
        }
        return count
    }
}

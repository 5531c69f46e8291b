// The writer of a codec: the rules of writing over the codec's form.
// Made by a codec for each document; types that write tokens are given it.

/// A ``TokenWriter`` that is a ``FormWriter`` and nothing else. A codec's writer is a few lines, and its `finish` is there already:
///
/// ```swift
/// public struct CBORWriter: FormWriting {
///     public var base: FormWriter<CBORForm>
///     init(limits: Limits) { base = FormWriter(CBORForm(), limits: limits) }
/// }
/// ```
///
/// (A type of its own for each codec, and not the generic one: the compiler writes the code out for it.)
public protocol FormWriting: TokenWriter {
    /// The codec's form.
    associatedtype Form: TokenForm
    /// What does the work.
    var base: FormWriter<Form> { get set }
}

extension FormWriting {
    /// A writer that has refused something writes nothing more: what it has may not be a beginning of anything.
    @inline(__always)
    private mutating func guarded(_ body: (inout FormWriter<Form>) throws(CodecError) -> Void) throws(CodecError) {
        do throws(CodecError) {
            try body(&base)
        } catch {
            base.breakDown()
            throw error
        }
    }

    /// Writes null.
    @inline(__always)
    public mutating func null() throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.null() }
    }
    /// Writes a bool.
    @inline(__always)
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.bool(value) }
    }
    /// Writes an integer.
    @inline(__always)
    public mutating func int(_ value: Int64) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.int(value) }
    }
    /// Writes an integer.
    @inline(__always)
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.uint(value) }
    }
    /// Writes a float; refuses NaN and the infinities.
    @inline(__always)
    public mutating func double(_ value: Double) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.double(value) }
    }
    /// Writes text.
    @inline(__always)
    public mutating func text(_ value: String) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.text(value) }
    }
    /// Writes text that is given as UTF-8.
    @inline(__always)
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.text(utf8: utf8) }
    }
    /// Writes bytes.
    @inline(__always)
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.binary(bytes) }
    }
    /// Writes a MessagePack extension, where the codec has a form for it.
    @inline(__always)
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.ext(type: type, data: data) }
    }
    /// Opens an array.
    @inline(__always)
    public mutating func beginArray(count: Int) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.beginArray(count: count) }
    }
    /// Closes the array.
    @inline(__always)
    public mutating func endArray() throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.endArray() }
    }
    /// Opens a map.
    @inline(__always)
    public mutating func beginMap(count: Int) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.beginMap(count: count) }
    }
    /// Writes a key.
    @inline(__always)
    public mutating func key(_ key: String) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.key(key) }
    }
    /// Writes a key that is given as UTF-8.
    @inline(__always)
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.key(utf8: utf8) }
    }
    /// Closes the map.
    @inline(__always)
    public mutating func endMap() throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.endMap() }
    }
    /// Writes a key and text.
    @inline(__always)
    public mutating func write(_ key: String, _ value: String) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(key, value) }
    }
    /// Writes a key and an integer.
    @inline(__always)
    public mutating func write(_ key: String, _ value: Int) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(key, value) }
    }
    /// Writes a key and a float.
    @inline(__always)
    public mutating func write(_ key: String, _ value: Double) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(key, value) }
    }
    /// Writes a key and a bool.
    @inline(__always)
    public mutating func write(_ key: String, _ value: Bool) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(key, value) }
    }
    /// Writes an array of integers.
    @inline(__always)
    public mutating func write(_ integers: [Int]) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(integers) }
    }
    /// Writes an array of floats.
    @inline(__always)
    public mutating func write(_ floats: [Double]) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(floats) }
    }
    /// Writes an array of texts.
    @inline(__always)
    public mutating func write(_ texts: [String]) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(texts) }
    }
    /// Writes a value with all that is in it.
    @inline(__always)
    public mutating func write(_ value: Value) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(value) }
    }
    /// Writes a node with all that is in it.
    @inline(__always)
    public mutating func write(_ node: Node) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(node) }
    }
    /// Writes all the values of a recording.
    @inline(__always)
    public mutating func write(_ recording: TokenBuffer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(recording) }
    }
}

extension Codec where Writer: FormWriting {
    /// The bytes of a document that is complete.
    @inline(__always)
    public func finish(_ writer: consuming Writer) throws(CodecError) -> [UInt8] { try writer.base.complete() }
}

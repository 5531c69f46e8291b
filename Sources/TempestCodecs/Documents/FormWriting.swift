// The writer of a codec: the tokens of a document, checked by the rules of writing and given to the codec's form.
// Made by a codec for each document; types that write tokens are given it.

/// A ``TokenWriter`` over a ``FormWriter``: the rules are the same for every codec. A codec's writer is a few lines, and its `finish` is
/// there already:
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
    /// The form and what has been written so far.
    var base: FormWriter<Form> { get set }
}

extension FormWriting {
    /// Writes, and asks whether it was too much. A writer that has refused something writes nothing more: what it has may not be a
    /// beginning of anything.
    @inline(__always)
    private mutating func guarded(_ body: (inout FormWriter<Form>) throws(CodecError) -> Void) throws(CodecError) {
        do throws(CodecError) {
            try body(&base)
            try base.check()
        } catch {
            base.breakDown()
            throw error
        }
    }

    // MARK: Scalars

    /// Writes null.
    @inline(__always)
    public mutating func null() throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            base.form.null()
        }
    }

    /// Writes a bool.
    @inline(__always)
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            base.form.bool(value)
        }
    }

    /// Writes an integer.
    @inline(__always)
    public mutating func int(_ value: Int64) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            base.form.int(value)
        }
    }

    /// Writes an integer.
    @inline(__always)
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            base.form.uint(value)
        }
    }

    /// Writes a float; refuses NaN and the infinities.
    @inline(__always)
    public mutating func double(_ value: Double) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.check(finite: value)
            try base.begin()
            base.form.double(value)
        }
    }

    /// Writes text.
    @inline(__always)
    public mutating func text(_ value: String) throws(CodecError) {
        // Strings are UTF-8 already.
        try guarded { (base) throws(CodecError) in
            try base.begin()
            try base.reserve(value.utf8.count)
            base.form.text(value)
        }
    }

    /// Writes text that is given as UTF-8.
    @inline(__always)
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.check(utf8, "text that is not valid UTF-8")
            try base.begin()
            try base.reserve(utf8.count)
            base.form.text(utf8)
        }
    }

    /// Writes bytes.
    @inline(__always)
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            try base.reserve(bytes.count)
            base.form.binary(bytes)
        }
    }

    /// Writes a MessagePack extension; codecs without a form for it refuse.
    @inline(__always)
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            try base.reserve(data.count)
            try base.form.ext(type: type, data: data)
        }
    }

    // MARK: Containers

    /// Opens an array.
    @inline(__always)
    public mutating func beginArray(count: Int) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin(map: false, count: count)
            base.form.beginArray(count: count)
        }
    }

    /// Closes the array.
    @inline(__always)
    public mutating func endArray() throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            _ = try base.nesting.end(map: false)
            base.form.endArray()
        }
    }

    /// Opens a map.
    @inline(__always)
    public mutating func beginMap(count: Int) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin(map: true, count: count)
            base.form.beginMap(count: count)
        }
    }

    /// Writes a key.
    @inline(__always)
    public mutating func key(_ key: String) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.beginKey(key.utf8.count)
            base.form.key(key, isOnly: base.nesting.top.expected == 1)
        }
    }

    /// Writes a key that is given as UTF-8.
    @inline(__always)
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.check(utf8, "a key that is not valid UTF-8")
            try base.beginKey(utf8.count)
            base.form.key(utf8, isOnly: base.nesting.top.expected == 1)
        }
    }

    /// Closes the map.
    @inline(__always)
    public mutating func endMap() throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            _ = try base.nesting.end(map: true)
            base.form.endMap()
        }
    }

    // MARK: Pairs

    /// Writes a key and text.
    @inline(__always)
    public mutating func write(_ key: String, _ value: String) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.beginPair(key)
            try base.reserve(value.utf8.count)
            base.form.text(value)
        }
    }

    /// Writes a key and an integer.
    @inline(__always)
    public mutating func write(_ key: String, _ value: Int) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.beginPair(key)
            base.form.int(Int64(value))
        }
    }

    /// Writes a key and a float; refuses NaN and the infinities.
    @inline(__always)
    public mutating func write(_ key: String, _ value: Double) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.check(finite: value)
            try base.beginPair(key)
            base.form.double(value)
        }
    }

    /// Writes a key and a bool.
    @inline(__always)
    public mutating func write(_ key: String, _ value: Bool) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.beginPair(key)
            base.form.bool(value)
        }
    }

    // MARK: Whole values

    /// Writes an array of integers.
    @inline(__always)
    public mutating func write(_ integers: [Int]) throws(CodecError) {
        try writeArray(integers.count) { (base, place) throws(CodecError) in base.form.int(Int64(integers[place])) }
    }

    /// Writes an array of floats; refuses NaN and the infinities.
    @inline(__always)
    public mutating func write(_ floats: [Double]) throws(CodecError) {
        try writeArray(floats.count) { (base, place) throws(CodecError) in
            try base.check(finite: floats[place])
            base.form.double(floats[place])
        }
    }

    /// Writes an array of texts.
    @inline(__always)
    public mutating func write(_ texts: [String]) throws(CodecError) {
        try writeArray(texts.count) { (base, place) throws(CodecError) in
            try base.reserve(base.form.size &+ texts[place].utf8.count)
            base.form.text(texts[place])
        }
    }

    /// Writes an array of scalars: the order of its tokens need not be checked.
    @inline(__always)
    private mutating func writeArray(
        _ count: Int, _ element: (inout FormWriter<Form>, Int) throws(CodecError) -> Void
    ) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.begin()
            guard base.nesting.depth < base.nesting.depthLimit else { throw base.nesting.tooDeep(nil) }
            try base.nesting.add(values: count)
            base.form.beginArray(count: count)
            for place in 0..<count {
                if place > 0 { base.form.separate() }
                try element(&base, place)
            }
            base.form.endArray()
        }
    }

    /// Writes a value with all that is in it: the order of its tokens need not be checked.
    @inline(__always)
    public mutating func write(_ value: Value) throws(CodecError) {
        try guarded { (base) throws(CodecError) in try base.write(value) }
    }

    /// Writes a node with all that is in it.
    @inline(__always)
    public mutating func write(_ node: Node) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try base.write(node.document.tape, from: node.index, to: node.document.tape.next(node.index))
        }
    }

    /// Writes all the values of a recording.
    @inline(__always)
    public mutating func write(_ recording: TokenBuffer) throws(CodecError) {
        try guarded { (base) throws(CodecError) in
            try recording.nesting.finish()
            try base.write(recording.tape, from: 0, to: recording.tape.entries.count)
        }
    }
}

extension Codec where Writer: FormWriting {
    /// The bytes of a document that is complete.
    @inline(__always)
    public func finish(_ writer: consuming Writer) throws(CodecError) -> [UInt8] { try writer.base.complete() }
}

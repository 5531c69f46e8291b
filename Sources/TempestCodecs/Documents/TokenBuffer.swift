// A recording of tokens, to be written later: arguments before their codec is known, an Encodable, a canonical copy.
// Before it: Encodables and values. After it: a codec's writer.

/// Records tokens; flat, without an allocation a token.
///
/// Any number of values may be recorded one after the other at the top. Unlike codecs' writers it also refuses maps with a key twice.
public struct TokenBuffer: TokenWriter, Sendable {
    var tape = Tape()
    var nesting: Nesting
    let limits: Limits

    /// An empty recording.
    public init(limits: Limits = .standard) {
        self.limits = limits
        nesting = Nesting(name: "values", limits: limits, roots: -1)
    }

    /// How many complete values are recorded at the top.
    public var count: Int { nesting.depth == 0 ? nesting.top.count : 0 }

    /// Records exactly one value, as its `encode(to:)` says.
    ///
    /// Throws `EncodingError` with the path if it encodes nothing, too much, or what is no value (NaN); the recording is then as before.
    public mutating func encode(_ value: some Encodable) throws {
        try Recorder.record(value, limits: limits) { (view, count) in
            do throws(CodecError) { try take(view, count) } catch { throw EncodingError(value, error) }
        }
    }

    /// Records exactly one value, as it writes itself. Throws `EncodingError`; the recording is then as before.
    mutating func record(tokensOf value: some TokenWritable) throws {
        do throws(CodecError) {
            // Aside at first: what fails half-way must leave nothing behind.
            var one = TokenBuffer(limits: limits)
            try value.write(to: &one)
            guard one.count == 1 else {
                throw CodecError(.syntax, "values: \(type(of: value)) wrote \(one.count) values, or one that is not complete")
            }
            if tape.entries.isEmpty {
                self = one
            } else {
                var failure: CodecError?
                one.tape.withView { view in
                    do throws(CodecError) { try take(view, one.tape.entries.count) } catch { failure = error }
                }
                if let failure { throw failure }
            }
        } catch {
            throw EncodingError(value, error)
        }
    }

    /// Takes over the entries of one value: checks that they fit here, and moves what they point to.
    private mutating func take(_ view: TapeView, _ count: Int) throws(CodecError) {
        let depth = view.depth(count)
        guard nesting.depth + depth <= limits.depth else { throw nesting.tooDeep(nil) }
        let bytes = view.byteCount(count)
        guard tape.source.count + bytes <= limits.bytes else { throw nesting.tooBig(limits.bytes) }
        guard nesting.values + count <= limits.values else {
            throw CodecError(.values, "values: more than \(limits.values) values")
        }
        try nesting.value()
        try nesting.add(values: count - 1)
        let (first, start) = (tape.entries.count, tape.source.count)
        tape.source.append(contentsOf: UnsafeRawBufferPointer(start: view.source, count: bytes))
        tape.entries.reserveCapacity(first + count)
        for index in 0..<count { tape.entries.append(view.entries[index].moved(by: first, bytes: start)) }
    }

    /// Records null.
    public mutating func null() throws(CodecError) {
        try nesting.value()
        tape.entries.append(Entry(.null, offset: 0))
    }

    /// Records a bool.
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try nesting.value()
        tape.entries.append(Entry(.bool, offset: 0, payload: value ? 1 : 0))
    }

    /// Records an integer.
    public mutating func int(_ value: Int64) throws(CodecError) {
        try nesting.value()
        tape.entries.append(Entry(.int, offset: 0, payload: UInt64(bitPattern: value)))
    }

    /// Records an integer.
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try nesting.value()
        tape.entries.append(Entry(value > UInt64(Int64.max) ? .uint : .int, offset: 0, payload: value))
    }

    /// Records a finite float.
    public mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError.notFinite(value, "values") }
        try nesting.value()
        tape.entries.append(Entry(.double, offset: 0, payload: value.bitPattern))
    }

    /// Records text.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "values: text that is not valid UTF-8") }
        try checkRoom(utf8.count)
        try nesting.value()
        try append(.text, utf8)
    }

    /// Records text.
    public mutating func text(_ value: String) throws(CodecError) {
        // Strings are UTF-8 already.
        try checkRoom(value.utf8.count)
        try nesting.value()
        try append(.text, value, flags: 0)
    }

    /// Records a key.
    public mutating func key(_ key: String) throws(CodecError) {
        try checkRoom(key.utf8.count)
        try nesting.key()
        try append(.text, key, flags: Entry.isKey)
    }

    /// Records bytes.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try checkRoom(bytes.count)
        try nesting.value()
        try append(.binary, bytes)
    }

    /// Records a MessagePack extension.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        try checkRoom(data.count)
        try nesting.value()
        try append(.ext, data, type: type)
    }

    /// Records a key.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "values: a key that is not valid UTF-8") }
        try checkRoom(utf8.count)
        try nesting.key()
        try append(.text, utf8, flags: Entry.isKey)
    }

    /// Opens an array.
    public mutating func beginArray(count: Int) throws(CodecError) {
        try nesting.begin(map: false, expected: count, start: tape.entries.count)
        tape.entries.append(Entry(.array, offset: 0))
    }

    /// Closes the array.
    public mutating func endArray() throws(CodecError) {
        tape.close(try nesting.end(map: false))
    }

    /// Opens a map.
    public mutating func beginMap(count: Int) throws(CodecError) {
        try nesting.begin(map: true, expected: count, start: tape.entries.count)
        tape.entries.append(Entry(.map, offset: 0))
    }

    /// Closes the map; throws if a key is in it twice.
    public mutating func endMap() throws(CodecError) {
        let frame = try nesting.end(map: true)
        tape.close(frame)
        var none = LargeMaps()
        let end = tape.entries.count
        let twice = tape.withView { $0.duplicate(inMap: frame.start, count: frame.count, end: end, &none) }
        if let twice {
            let text = KeyText.quoted(tape.string(tape.entries[twice]))
            throw CodecError(.duplicateKey, "values: the key \(text) is in the map already")
        }
    }

    /// Refuses before anything is counted.
    @inline(__always)
    private mutating func checkRoom(_ count: Int) throws(CodecError) {
        guard tape.source.count &+ count <= limits.bytes else { throw nesting.tooBig(limits.bytes) }
    }

    @inline(__always)
    private mutating func append(_ kind: Kind, _ text: String, flags: UInt8) throws(CodecError) {
        var text = text
        let start = tape.source.count
        let length = text.utf8.count
        text.withUTF8 { tape.source.append(contentsOf: $0) }
        tape.entries.append(Entry(kind, offset: 0, start: start, length: length, flags: flags))
    }

    private mutating func append(
        _ kind: Kind, _ bytes: UnsafeRawBufferPointer, flags: UInt8 = 0, type: Int8 = 0
    ) throws(CodecError) {
        let start = tape.source.count
        tape.source.append(contentsOf: bytes)
        tape.entries.append(Entry(kind, offset: 0, start: start, length: bytes.count, flags: flags, type: type))
    }
}

extension EncodingError {
    /// A value that a codec's rules refuse.
    init(_ value: Any, _ cause: CodecError) {
        self = .refusing(value, Context(codingPath: [], debugDescription: cause.description, underlyingError: cause))
    }

    /// Names the type of the value and not the value itself: the text of an error stands in logs, where nobody's payload belongs.
    static func refusing(_ value: Any, _ context: Context) -> EncodingError { .invalidValue(type(of: value), context) }
}

extension TokenBuffer: TokenWritable {
    /// Writes all the values that were recorded.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.write(self)
    }

    /// The same with the keys of every map sorted by their UTF-8 bytes.
    public func writeSorted<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try nesting.finish()
        try tape.writeSorted(from: 0, to: tape.entries.count, into: &writer)
    }
}

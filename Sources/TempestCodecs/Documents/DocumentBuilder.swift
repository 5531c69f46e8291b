// Makes a Document of what a reader finds, and refuses what no codec may let through.
// Before it: a codec's reader. After it: the Document that everything else reads.

/// Builds a document, call by call, in the order of the bytes.
///
/// Whatever a codec's reader forgets is checked here: depth, number of values, keys that are twice or no text, text that is not UTF-8,
/// floats that are not finite, values in the wrong place. Strings are ranges of the source, or bytes that are copied aside. Every
/// call takes the offset of the value in the source; errors name it. Ranges that do not lie in the source are refused.
public struct DocumentBuilder {
    var tape = Tape()
    var nesting: Nesting
    let limits: Limits
    private var keys = LargeMaps()

    /// A builder for a document of `source`. `codec`: the name that begins the messages.
    public init(source: [UInt8], limits: Limits, codec: String) throws(CodecError) {
        guard source.count <= limits.bytes else {
            throw CodecError(.size, "\(codec): \(source.count) bytes, over the limit of \(limits.bytes)")
        }
        self.limits = limits
        nesting = Nesting(name: codec, limits: limits)
        tape.source = source
        tape.entries.reserveCapacity(min(source.count / 4 + 4, limits.values, 4096))
    }

    /// The number of open containers.
    public var depth: Int { nesting.depth }
    /// Whether the innermost container is a map.
    public var isInMap: Bool { nesting.top.isMap }
    /// Whether the next thing must be a key.
    public var needsKey: Bool { nesting.top.needsKey }

    /// Adds null.
    public mutating func null(at offset: Int) throws(CodecError) {
        try nesting.value(at: offset)
        tape.entries.append(Entry(.null, offset: offset))
    }

    /// Adds a bool.
    public mutating func bool(_ value: Bool, at offset: Int) throws(CodecError) {
        try nesting.value(at: offset)
        tape.entries.append(Entry(.bool, offset: offset, payload: value ? 1 : 0))
    }

    /// Adds an integer.
    public mutating func int(_ value: Int64, at offset: Int) throws(CodecError) {
        try nesting.value(at: offset)
        tape.entries.append(Entry(.int, offset: offset, payload: UInt64(bitPattern: value)))
    }

    /// Adds an integer; one that fits Int64 becomes the same as that.
    public mutating func uint(_ value: UInt64, at offset: Int) throws(CodecError) {
        try nesting.value(at: offset)
        tape.entries.append(Entry(value > UInt64(Int64.max) ? .uint : .int, offset: offset, payload: value))
    }

    /// Adds a finite float.
    public mutating func double(_ value: Double, at offset: Int) throws(CodecError) {
        guard value.isFinite else { throw CodecError(.number, "\(nesting.name): a float that is not finite", at: offset) }
        try nesting.value(at: offset)
        tape.entries.append(Entry(.double, offset: offset, payload: value.bitPattern))
    }

    /// Adds text that stands in the source as it is.
    public mutating func text(_ range: Range<Int>, at offset: Int) throws(CodecError) {
        try checkText(range, offset)
        try nesting.value(at: offset)
        tape.entries.append(Entry(.text, offset: offset, start: range.lowerBound, length: range.count))
    }

    /// Adds text that had to be unescaped.
    public mutating func text(copying utf8: UnsafeRawBufferPointer, at offset: Int) throws(CodecError) {
        try checkText(utf8, offset)
        try nesting.value(at: offset)
        tape.entries.append(aside(.text, utf8, offset))
    }

    /// Adds bytes that stand in the source as they are.
    public mutating func binary(_ range: Range<Int>, at offset: Int) throws(CodecError) {
        try checkRange(range, offset)
        try nesting.value(at: offset)
        tape.entries.append(Entry(.binary, offset: offset, start: range.lowerBound, length: range.count))
    }

    /// Adds bytes that had to be decoded.
    public mutating func binary(copying bytes: UnsafeRawBufferPointer, at offset: Int) throws(CodecError) {
        try nesting.value(at: offset)
        tape.entries.append(aside(.binary, bytes, offset))
    }

    /// Adds a MessagePack extension.
    public mutating func ext(type: Int8, _ range: Range<Int>, at offset: Int) throws(CodecError) {
        try checkRange(range, offset)
        try nesting.value(at: offset)
        tape.entries.append(Entry(.ext, offset: offset, start: range.lowerBound, length: range.count, type: type))
    }

    /// Opens an array.
    public mutating func beginArray(at offset: Int) throws(CodecError) {
        try nesting.begin(map: false, expected: -1, start: tape.entries.count, at: offset)
        tape.entries.append(Entry(.array, offset: offset))
    }

    /// Opens a map.
    public mutating func beginMap(at offset: Int) throws(CodecError) {
        try nesting.begin(map: true, expected: -1, start: tape.entries.count, at: offset)
        tape.entries.append(Entry(.map, offset: offset))
    }

    /// Adds a key that stands in the source as it is.
    public mutating func key(_ range: Range<Int>, at offset: Int) throws(CodecError) {
        try checkText(range, offset)
        try nesting.key(at: offset)
        tape.entries.append(Entry(.text, offset: offset, start: range.lowerBound, length: range.count, flags: Entry.isKey))
    }

    /// Adds a key that had to be unescaped.
    public mutating func key(copying utf8: UnsafeRawBufferPointer, at offset: Int) throws(CodecError) {
        try checkText(utf8, offset)
        try nesting.key(at: offset)
        var entry = aside(.text, utf8, offset)
        entry.flags |= Entry.isKey
        tape.entries.append(entry)
    }

    /// Closes the array.
    public mutating func endArray(at offset: Int) throws(CodecError) {
        let frame = try nesting.end(map: false, at: offset)
        tape.close(frame)
    }

    /// Closes the map and looks for keys that are twice.
    public mutating func endMap(at offset: Int) throws(CodecError) {
        let frame = try nesting.end(map: true, at: offset)
        tape.close(frame)
        let end = tape.entries.count
        let twice = tape.withView { $0.duplicate(inMap: frame.start, count: frame.count, end: end, &keys) }
        if let twice { throw duplicate(twice) }
    }

    /// The document; throws unless it is exactly one complete value.
    public consuming func finish() throws(CodecError) -> Document {
        try nesting.finish(at: tape.source.count)
        guard nesting.values <= limits.values else {
            throw CodecError(.values, "\(nesting.name): more than \(limits.values) values", at: tape.source.count)
        }
        keys.finish()
        return Document(tape: tape, keys: keys)
    }

    private mutating func aside(_ kind: Kind, _ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Entry {
        let start = tape.side.count
        tape.side.append(contentsOf: bytes)
        return Entry(kind, offset: offset, start: start, length: bytes.count, flags: Entry.inSide)
    }

    private func checkRange(_ range: Range<Int>, _ offset: Int) throws(CodecError) {
        guard range.lowerBound >= 0, range.upperBound <= tape.source.count else {
            throw CodecError(.claim, "\(nesting.name): bytes \(range) of \(tape.source.count)", at: offset)
        }
    }

    private func checkText(_ range: Range<Int>, _ offset: Int) throws(CodecError) {
        try checkRange(range, offset)
        let isValid = tape.source.withUnsafeBytes { UTF8Check.isValid(UnsafeRawBufferPointer(rebasing: $0[range])) }
        guard isValid else { throw notText(offset) }
    }

    private func checkText(_ utf8: UnsafeRawBufferPointer, _ offset: Int) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw notText(offset) }
    }

    private func notText(_ offset: Int) -> CodecError {
        CodecError(.text, "\(nesting.name): text that is not valid UTF-8", at: offset)
    }

    private func duplicate(_ key: Int) -> CodecError {
        let entry = tape.entries[key]
        let text = KeyText.quoted(tape.string(entry))
        return CodecError(.duplicateKey, "\(nesting.name): the key \(text) is in the map already", at: Int(entry.offset))
    }
}

extension Tape {
    /// Gives the entry of a container its end and its count.
    @inline(__always)
    mutating func close(_ frame: Nesting.Frame) {
        entries[frame.start].payload = UInt64(entries.count) << 32 | UInt64(frame.count)
    }
}

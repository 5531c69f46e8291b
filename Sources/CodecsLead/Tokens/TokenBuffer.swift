// Tokens kept for later: how Codable values, whose counts are known only at their end, reach writers that need counts first. Also what
// an envelope carries its arguments in until it is written.

/// A recording of tokens, of any number of values one after the other; flat, without an allocation a token.
public struct TokenBuffer: TokenWriter, TokenWritable, Sendable {
    var entries: [Entry] = []
    var bytes: [UInt8] = []
    private var open: [Int] = []

    public init() {}

    public mutating func null() { append(Entry(.null)) }
    public mutating func bool(_ value: Bool) { append(Entry(.bool, payload: value ? 1 : 0)) }
    public mutating func int(_ value: Int64) { append(Entry(.int, payload: UInt64(bitPattern: value))) }
    public mutating func uint(_ value: UInt64) { append(Entry(value <= UInt64(Int64.max) ? .int : .uint, payload: value)) }
    public mutating func double(_ value: Double) { append(Entry(.double, payload: value.bitPattern)) }
    public mutating func text(utf8: UnsafeRawBufferPointer) { append(entry(.text, utf8)) }
    public mutating func key(utf8: UnsafeRawBufferPointer) {
        if let index = open.last { entries[index].count += 1 }
        entries.append(entry(.text, utf8))
    }
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) { append(entry(.binary, bytes)) }
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) { append(entry(.ext, data, type: type)) }
    /// The count is counted anew: Codable does not know it beforehand.
    public mutating func beginArray(count: Int) { begin(.array) }
    public mutating func endArray() { end() }
    public mutating func beginMap(count: Int) { begin(.map) }
    public mutating func endMap() { end() }

    /// Appends a value of a `Codable` type. Throws `EncodingError` when it encodes nothing, or a float that is not finite.
    public mutating func encode(_ value: some Encodable) throws {
        try TokenEncoder.encode(value, into: &self)
    }

    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        let document = Document(entries: entries, source: bytes, aside: [])
        var index = 0
        while index < entries.count {
            try document.write(index, to: &writer)
            index = document.next(index)
        }
    }

    private mutating func entry(_ kind: Kind, _ data: UnsafeRawBufferPointer, type: Int8 = 0) -> Entry {
        let offset = bytes.count
        bytes.append(contentsOf: data)
        return Entry(kind, payload: UInt64(offset), count: data.count, ext: type)
    }

    private mutating func append(_ entry: Entry) {
        if let index = open.last, entries[index].kind == .array { entries[index].count += 1 }
        entries.append(entry)
    }

    private mutating func begin(_ kind: Kind) {
        append(Entry(kind))
        open.append(entries.count - 1)
    }

    private mutating func end() {
        guard let index = open.popLast() else { return }
        entries[index].payload = UInt64(entries.count)
    }
}

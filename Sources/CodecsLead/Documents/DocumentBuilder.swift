// How a codec's reader makes a document: token by token, and with it the rules that all codecs share: depth, number of values, text
// keys that are unique, valid UTF-8, finite floats.

/// Builds a ``Document``. For readers of codecs, also of those outside this package.
///
/// Offsets are bytes of the input and only for errors, where nothing else is said. Text and binary stand in the input (a range) or,
/// when they had to be unescaped, are appended to ``aside`` first (a range of that).
public struct DocumentBuilder {
    /// Bytes that do not stand in the input as they are.
    public var aside: [UInt8] = []
    private(set) var entries: [Entry] = []
    private let input: UnsafeRawBufferPointer
    private let limits: Limits
    private var open: [Int] = []
    private var isKeyNext = false

    /// For the bytes of `input`, which must stay where they are until `finish`.
    public init(_ input: UnsafeRawBufferPointer, limits: Limits) throws(CodecError) {
        guard input.count <= limits.bytes else {
            throw CodecError(.size, "\(input.count) bytes, more than the limit of \(limits.bytes)", at: 0)
        }
        guard input.count > 0 else { throw CodecError(.syntax, "the input is empty", at: 0) }
        (self.input, self.limits) = (input, limits)
        entries.reserveCapacity(min(input.count / 4 + 4, 1 << 12))
    }

    /// How many arrays and maps are open.
    public var depth: Int { open.count }
    /// Whether the innermost open container is a map.
    public var isInMap: Bool { open.last.map { entries[$0].kind == .map } ?? false }
    /// Whether what comes next is a key.
    public var wantsKey: Bool { isKeyNext }

    public mutating func null(at offset: Int) throws(CodecError) { try append(Entry(.null), at: offset) }
    public mutating func bool(_ value: Bool, at offset: Int) throws(CodecError) {
        try append(Entry(.bool, payload: value ? 1 : 0), at: offset)
    }
    public mutating func int(_ value: Int64, at offset: Int) throws(CodecError) {
        try append(Entry(.int, payload: UInt64(bitPattern: value)), at: offset)
    }
    public mutating func uint(_ value: UInt64, at offset: Int) throws(CodecError) {
        try append(Entry(value <= UInt64(Int64.max) ? .int : .uint, payload: value), at: offset)
    }
    public mutating func double(_ value: Double, at offset: Int) throws(CodecError) {
        guard value.isFinite else { throw CodecError(.number, "NaN and the infinities are no values", at: offset) }
        try append(Entry(.double, payload: value.bitPattern), at: offset)
    }

    /// Text of the input; a key where one is due.
    public mutating func text(_ range: Range<Int>, at offset: Int) throws(CodecError) {
        try text(
            UnsafeRawBufferPointer(rebasing: input[range]), Entry(.text, payload: UInt64(range.lowerBound), count: range.count),
            offset)
    }

    /// Text of ``aside``; a key where one is due.
    public mutating func text(aside range: Range<Int>, at offset: Int) throws(CodecError) {
        if let bad = aside.withUnsafeBytes({ UTF8Check.firstInvalid(UnsafeRawBufferPointer(rebasing: $0[range])) }) {
            throw CodecError(.text, "text is not valid UTF-8 (byte \(bad) of it)", at: offset)
        }
        try text(Entry(.text, payload: UInt64(range.lowerBound), count: range.count, isAside: true), offset)
    }

    public mutating func binary(_ range: Range<Int>, at offset: Int) throws(CodecError) {
        try append(Entry(.binary, payload: UInt64(range.lowerBound), count: range.count), at: offset)
    }
    public mutating func binary(aside range: Range<Int>, at offset: Int) throws(CodecError) {
        try append(Entry(.binary, payload: UInt64(range.lowerBound), count: range.count, isAside: true), at: offset)
    }
    public mutating func ext(type: Int8, _ range: Range<Int>, at offset: Int) throws(CodecError) {
        try append(Entry(.ext, payload: UInt64(range.lowerBound), count: range.count, ext: type), at: offset)
    }

    public mutating func beginArray(at offset: Int) throws(CodecError) { try begin(.array, at: offset) }
    public mutating func beginMap(at offset: Int) throws(CodecError) { try begin(.map, at: offset) }

    /// Ends the innermost container.
    public mutating func end(at offset: Int) throws(CodecError) {
        guard let index = open.popLast() else { throw CodecError(.syntax, "nothing is open to be ended", at: offset) }
        if entries[index].kind == .map {
            guard isKeyNext else { throw CodecError(.syntax, "a map ends between key and value", at: offset) }
            if let key = duplicateKey(index) {
                throw CodecError(
                    .duplicateKey, "the key \(String(key.prefix(80)).debugDescription) stands twice in a map", at: offset)
            }
        }
        entries[index].payload = UInt64(entries.count)
        isKeyNext = isInMap
    }

    /// The document, once its one value is complete. `source`: the bytes of the input.
    public consuming func finish(_ source: [UInt8]) throws(CodecError) -> Document {
        guard open.isEmpty, !entries.isEmpty else {
            throw CodecError(.syntax, "the input ends before its value does", at: input.count)
        }
        return Document(entries: entries, source: source, aside: aside)
    }

    private mutating func begin(_ kind: Kind, at offset: Int) throws(CodecError) {
        guard open.count < limits.depth else {
            throw CodecError(.depth, "nested deeper than the limit of \(limits.depth)", at: offset)
        }
        try append(Entry(kind), at: offset)
        open.append(entries.count - 1)
        isKeyNext = kind == .map
    }

    private mutating func text(_ bytes: UnsafeRawBufferPointer, _ entry: Entry, _ offset: Int) throws(CodecError) {
        if let bad = UTF8Check.firstInvalid(bytes) {
            throw CodecError(.text, "text is not valid UTF-8 (byte \(bad) of it)", at: offset)
        }
        try text(entry, offset)
    }

    private mutating func text(_ entry: Entry, _ offset: Int) throws(CodecError) {
        guard isKeyNext else { return try append(entry, at: offset) }
        guard entries.count < limits.values else { throw tooMany(offset) }
        entries.append(entry)
        isKeyNext = false
    }

    private mutating func append(_ entry: Entry, at offset: Int) throws(CodecError) {
        guard !isKeyNext else { throw CodecError(.syntax, "a key must be text, found \(entry.kind)", at: offset) }
        guard entries.count < limits.values else { throw tooMany(offset) }
        if let container = open.last {
            entries[container].count += 1
            isKeyNext = entries[container].kind == .map
        } else if !entries.isEmpty {
            throw CodecError(.trailing, "there are bytes after the value", at: offset)
        }
        entries.append(entry)
    }

    private func tooMany(_ offset: Int) -> CodecError {
        CodecError(.values, "more than \(limits.values) values", at: offset)
    }

    /// In time n log n, whatever the keys: neither quadratic nor a hash table that somebody could flood.
    private func duplicateKey(_ map: Int) -> String? {
        let count = entries[map].count
        guard count > 1 else { return nil }
        return aside.withUnsafeBytes { aside in
            func key(_ index: Int) -> UnsafeRawBufferPointer {
                let entry = entries[index]
                let bytes = entry.isAside ? aside : input
                return UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<entry.offset + entry.count])
            }
            var keys: [Int] = []
            keys.reserveCapacity(count)
            var index = map + 1
            for _ in 0..<count {
                if count <= 8 {
                    for other in keys where entries[other].count == entries[index].count && key(other).elementsEqual(key(index)) {
                        return String(decoding: key(index), as: UTF8.self)
                    }
                }
                keys.append(index)
                let value = entries[index + 1]
                index = value.isContainer ? value.offset : index + 2
            }
            guard count > 8 else { return nil }
            keys.sort { key($0).lexicographicallyPrecedes(key($1)) }
            for (a, b) in zip(keys, keys.dropFirst()) where key(a).elementsEqual(key(b)) {
                return String(decoding: key(a), as: UTF8.self)
            }
            return nil
        }
    }
}

extension DocumentBuilder {
    /// The innermost container if it has exactly one member, a text: the offsets and lengths of both. For markers such as JSON's `$b64`.
    func onlyTextMember() -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        guard let index = open.last, entries.count == index + 3, entries[index].kind == .map, entries[index + 2].kind == .text,
            !entries[index + 1].isAside, !entries[index + 2].isAside
        else { return nil }
        let (key, value) = (entries[index + 1], entries[index + 2])
        return (
            UnsafeRawBufferPointer(rebasing: input[key.offset..<key.offset + key.count]),
            UnsafeRawBufferPointer(rebasing: input[value.offset..<value.offset + value.count])
        )
    }

    /// The same where one of them was unescaped.
    func onlyTextMemberCopied() -> (key: [UInt8], value: [UInt8])? {
        guard let index = open.last, entries.count == index + 3, entries[index].kind == .map, entries[index + 2].kind == .text
        else { return nil }
        func bytes(_ entry: Entry) -> [UInt8] {
            let range = entry.offset..<entry.offset + entry.count
            return entry.isAside ? Array(aside[range]) : Array(input[range])
        }
        return (bytes(entries[index + 1]), bytes(entries[index + 2]))
    }

    /// Ends the innermost map as binary.
    mutating func endAsBinary(_ bytes: [UInt8]) {
        guard let index = open.popLast() else { return }
        let start = aside.count
        aside.append(contentsOf: bytes)
        entries.removeSubrange((index + 1)...)
        entries[index] = Entry(.binary, payload: UInt64(start), count: bytes.count, isAside: true)
        isKeyNext = isInMap
    }

    /// Takes the first byte off the key of the innermost map, which has one member.
    mutating func shortenOnlyKey() {
        guard let index = open.last else { return }
        entries[index + 1].payload += 1
        entries[index + 1].count -= 1
    }
}

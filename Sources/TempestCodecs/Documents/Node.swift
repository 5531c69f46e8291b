// One value inside a document, without a copy of it.
// Envelope and handlers read nodes; a node also becomes a Value, a Decodable or another codec's bytes.

/// A value of a ``Document``: an index into it. Holding one keeps the whole document alive.
public struct Node: Sendable {
    let document: Document
    let index: Int

    @inline(__always) var entry: Entry { document.tape.entries[index] }

    /// What the value is.
    public var kind: Kind { entry.kind }
    /// Elements of an array, pairs of a map; 0 for scalars.
    public var count: Int { entry.isContainer ? entry.low : 0 }
    /// Where the value begins in the source, in bytes.
    public var offset: Int { Int(entry.offset) }
    /// Whether it is null.
    public var isNull: Bool { kind == .null }
    /// The bool, or nil for any other kind.
    public var bool: Bool? { kind == .bool ? entry.payload != 0 : nil }
    /// The integer if it fits Int64, or nil for any other kind (also for floats).
    public var int: Int64? { kind == .int ? Int64(bitPattern: entry.payload) : nil }
    /// The integer if it is not negative, or nil for any other kind.
    public var uint: UInt64? {
        switch kind {
        case .uint: entry.payload
        case .int: UInt64(exactly: Int64(bitPattern: entry.payload))
        default: nil
        }
    }
    /// The float, or nil for any other kind (also for integers).
    public var double: Double? { kind == .double ? Double(bitPattern: entry.payload) : nil }
    /// The text, or nil for any other kind.
    public var text: String? { kind == .text ? document.tape.string(entry) : nil }
    /// The text, also when it was sent as binary that is valid UTF-8, as Ruby's MessagePack sends some; else nil.
    public var textOrUTF8: String? {
        if kind == .text { return document.tape.string(entry) }
        guard kind == .binary, document.tape.bytes(of: entry, UTF8Check.isValid) else { return nil }
        return document.tape.string(entry)
    }
    /// The bytes of binary, text (tnetstring has one form for both) or ext; else nil.
    public var bytes: [UInt8]? {
        switch kind {
        case .binary, .text, .ext: document.tape.array(entry)
        default: nil
        }
    }
    /// The type of an ext, or nil for any other kind.
    public var extType: Int8? { kind == .ext ? entry.type : nil }

    /// The element at a position of an array, from 0; a programming error if there is none. Walks: for all, use ``elements``.
    public subscript(position: Int) -> Node {
        precondition(kind == .array && position >= 0 && position < count, "no element \(position) in \(kind) of \(count)")
        var index = index + 1
        for _ in 0..<position { index = document.tape.next(index) }
        return Node(document: document, index: index)
    }

    /// The value under a key of a map; nil if there is none or this is no map.
    public subscript(key: String) -> Node? {
        guard kind == .map else { return nil }
        var key = key
        return key.withUTF8 { document.find(UnsafeRawBufferPointer($0), inMap: index) }
            .map { Node(document: document, index: $0) }
    }

    /// The elements of an array, in order; none for any other kind.
    public var elements: some Sequence<Node> {
        sequence(state: (index + 1, kind == .array ? entry.high : 0)) { [document] (state: inout (Int, Int)) -> Node? in
            guard state.0 < state.1 else { return nil }
            defer { state.0 = document.tape.next(state.0) }
            return Node(document: document, index: state.0)
        }
    }

    /// The pairs of a map, in order; none for any other kind.
    public var members: some Sequence<(key: String, value: Node)> {
        sequence(state: (index + 1, kind == .map ? entry.high : 0)) {
            [document] (state: inout (Int, Int)) -> (key: String, value: Node)? in
            guard state.0 < state.1 else { return nil }
            let key = state.0
            state.0 = document.tape.next(key + 1)
            return (document.tape.string(document.tape.entries[key]), Node(document: document, index: key + 1))
        }
    }

    /// The value, copied out of the document.
    public var value: Value {
        var cursor = ValueCursor(at: index)
        return document.tape.withView { $0.takeValue(&cursor) }
    }
}

extension Node: TokenWritable {
    /// Writes the value.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.write(self)
    }
}

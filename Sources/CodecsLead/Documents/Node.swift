// A value in a document: cheap to hand around, decoded only as far as somebody asks.

/// One value of a ``Document``. It keeps the document alive.
public struct Node: Sendable {
    let document: Document
    let index: Int

    var entry: Entry { document.entries[index] }

    public var kind: Kind { entry.kind }
    /// Elements of an array, members of a map; 0 for scalars.
    public var count: Int { entry.isContainer ? entry.count : 0 }
    public var isNull: Bool { kind == .null }
    public var bool: Bool? { kind == .bool ? entry.payload != 0 : nil }
    public var int: Int64? { kind == .int ? Int64(bitPattern: entry.payload) : nil }
    /// An integer that fits, above `Int64.max` or not.
    public var uint: UInt64? { kind == .uint ? entry.payload : int.flatMap { UInt64(exactly: $0) } }
    public var double: Double? { kind == .double ? Double(bitPattern: entry.payload) : nil }
    public var text: String? { kind == .text ? document.text(entry) : nil }
    /// Of binary, of text (tnetstring has one type for both) and of ext.
    public var bytes: [UInt8]? {
        switch kind {
        case .binary, .text, .ext: document.bytes(entry)
        default: nil
        }
    }

    /// The element of an array; traps outside of it. Takes time in proportion to the index: iterate over ``elements`` instead.
    public subscript(position: Int) -> Node {
        precondition(kind == .array && position >= 0 && position < count, "no element \(position) in \(kind) of \(count)")
        var index = self.index + 1
        for _ in 0..<position { index = document.next(index) }
        return Node(document: document, index: index)
    }

    /// The value under a key of a map; nil for anything else.
    public subscript(key: String) -> Node? {
        guard kind == .map else { return nil }
        var index = self.index + 1
        for _ in 0..<count {
            if document.isKey(index, key) { return Node(document: document, index: index + 1) }
            index = document.next(index + 1)
        }
        return nil
    }

    /// The elements of an array; nothing for anything else.
    public var elements: some Sequence<Node> {
        sequence(state: (self.index + 1, kind == .array ? count : 0)) { [document] (state: inout (Int, Int)) -> Node? in
            guard state.1 > 0 else { return nil }
            defer { state = (document.next(state.0), state.1 - 1) }
            return Node(document: document, index: state.0)
        }
    }

    /// The members of a map in their order; nothing for anything else.
    public var members: some Sequence<(key: String, value: Node)> {
        sequence(state: (self.index + 1, kind == .map ? count : 0)) {
            [document] (state: inout (Int, Int)) -> (key: String, value: Node)? in
            guard state.1 > 0 else { return nil }
            let (key, value) = (state.0, state.0 + 1)
            state = (document.next(value), state.1 - 1)
            return (document.text(document.entries[key]), Node(document: document, index: value))
        }
    }

    /// The whole of it as a value.
    public var value: Value {
        switch kind {
        case .null: .null
        case .bool: .bool(entry.payload != 0)
        case .int: .int(Int64(bitPattern: entry.payload))
        case .uint: .uint(entry.payload)
        case .double: .double(Double(bitPattern: entry.payload))
        case .text: .text(document.text(entry))
        case .binary: .binary(document.bytes(entry))
        case .ext: .ext(type: entry.ext, data: document.bytes(entry))
        case .array: .array(elements.map(\.value))
        case .map: .map(ValueMap(unique: members.map { ($0.key, $0.value.value) }))
        }
    }
}

extension Node: TokenWritable {
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try document.write(index, to: &writer)
    }
}

extension Document {
    /// Writes one value; containers call this again, no deeper than the parse allowed.
    func write<W: TokenWriter>(_ index: Int, to writer: inout W) throws(CodecError) {
        let entry = entries[index]
        switch entry.kind {
        case .null: try writer.null()
        case .bool: try writer.bool(entry.payload != 0)
        case .int: try writer.int(Int64(bitPattern: entry.payload))
        case .uint: try writer.uint(entry.payload)
        case .double: try writer.double(Double(bitPattern: entry.payload))
        case .text: try withBytes(entry) { (bytes) throws(CodecError) in try writer.text(utf8: bytes) }
        case .binary: try withBytes(entry) { (bytes) throws(CodecError) in try writer.binary(bytes) }
        case .ext: try withBytes(entry) { (bytes) throws(CodecError) in try writer.ext(type: entry.ext, data: bytes) }
        case .array:
            try writer.beginArray(count: entry.count)
            var child = index + 1
            for _ in 0..<entry.count {
                try write(child, to: &writer)
                child = next(child)
            }
            try writer.endArray()
        case .map:
            try writer.beginMap(count: entry.count)
            var key = index + 1
            for _ in 0..<entry.count {
                try withBytes(entries[key]) { (bytes) throws(CodecError) in try writer.key(utf8: bytes) }
                try write(key + 1, to: &writer)
                key = next(key + 1)
            }
            try writer.endMap()
        }
    }
}

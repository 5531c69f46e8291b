// Scalars, arrays and dictionaries as types that read and write their tokens.
// Before it: a field of a type that does so. After it: a Node's value, or a writer's tokens.

extension Array: TokenReadable where Element: TokenReadable {
    /// Reads every element; bytes as ``Bytes``.
    public init(reading node: Node) throws {
        if Element.self == UInt8.self {
            self = unsafeBitCast(try Bytes(reading: node).bytes, to: [Element].self)
            return
        }
        // The arrays that are met most, without a node for each element.
        if Element.self == Int.self {
            self = unsafeBitCast(try node.scalars("integer") { $0.integer($1) } as [Int], to: [Element].self)
        } else if Element.self == Double.self {
            self = unsafeBitCast(try node.scalars("float") { $0.double($1) } as [Double], to: [Element].self)
        } else if Element.self == String.self {
            self = unsafeBitCast(try node.scalars("text") { $0.text($1) } as [String], to: [Element].self)
        } else {
            let document = node.document
            self = try node.elements { (_, index) in try Element(reading: Node(document: document, index: index)) }
        }
    }
}

extension String: TokenReadable, TokenWritable {
    /// Reads text.
    public init(reading node: Node) throws { self = try node.scalar("text") { $0.text($1) } }
    /// Writes text.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.text(self) }
}

extension Int: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension Int8: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension Int16: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension Int32: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension Int64: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension UInt: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.uint(UInt64(self)) }
}

extension UInt8: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension UInt16: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension UInt32: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.int(Int64(self)) }
}

extension UInt64: TokenReadable, TokenWritable {
    /// Reads an integer that fits.
    public init(reading node: Node) throws { self = try node.scalar("integer") { $0.integer($1) } }
    /// Writes an integer.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.uint(UInt64(self)) }
}

extension Double: TokenReadable, TokenWritable {
    /// Reads a float.
    public init(reading node: Node) throws { self = try node.scalar("float") { $0.double($1) } }
    /// Writes a float.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.double(self) }
}

extension Bool: TokenReadable, TokenWritable {
    /// Reads a bool.
    public init(reading node: Node) throws { self = try node.scalar("bool") { $0.bool($1) } }
    /// Writes a bool.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.bool(self) }
}

extension Bytes: TokenReadable, TokenWritable {
    /// Reads binary, text or an array of integers from 0 to 255.
    public init(reading node: Node) throws {
        let decoder = NodeDecoder(context: DecodingState(document: node.document, root: 0, path: []), index: node.index)
        self = Bytes(try decoder.bytes())
    }
    /// Writes binary.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.binary(bytes) }
}

extension Value: TokenReadable {
    /// Reads whatever is there.
    public init(reading node: Node) throws { self = node.value }
}

extension Optional: TokenReadable where Wrapped: TokenReadable {
    /// Reads null as nil.
    public init(reading node: Node) throws { self = node.isNull ? nil : try Wrapped(reading: node) }
}

extension Optional: TokenWritable where Wrapped: TokenWritable {
    /// Writes nil as null.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        if let self { try self.write(to: &writer) } else { try writer.null() }
    }
}

extension Array: TokenWritable where Element: TokenWritable {
    /// Writes every element; bytes as binary.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        // Bytes are binary, as for Codable. The arrays that are met most go in one call each.
        if Element.self == UInt8.self { return try writer.binary(unsafeBitCast(self, to: [UInt8].self)) }
        if Element.self == Int.self { return try writer.write(unsafeBitCast(self, to: [Int].self)) }
        if Element.self == Double.self { return try writer.write(unsafeBitCast(self, to: [Double].self)) }
        if Element.self == String.self { return try writer.write(unsafeBitCast(self, to: [String].self)) }
        try writer.beginArray(count: count)
        // Where they are: a loop over the array copies each element, which retains all that it holds.
        let elements = span
        for place in elements.indices { try elements[place].write(to: &writer) }
        try writer.endArray()
    }
}

extension Float: TokenReadable, TokenWritable {
    /// Reads a float that is not too large.
    public init(reading node: Node) throws {
        let source = node.document.tape.source
        let value = try node.scalar("float") { $0.float($1, source: source) }
        guard value.isFinite else { throw node.mismatch(Float.self, "float that is not too large for Float") }
        self = value
    }
    /// Writes a float.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) { try writer.double(FloatRounding.widened(self)) }
}

extension Dictionary: TokenReadable where Key == String, Value: TokenReadable {
    /// Reads every value of a map.
    public init(reading node: Node) throws {
        guard node.kind == .map else { throw node.mismatch([String: Any].self, "map") }
        self.init(minimumCapacity: Swift.min(node.count, 4096))
        let document = node.document
        let view = document.tape.withView { $0 }
        var key = node.index + 1
        while key < node.entry.high {
            self[view.string(view.entries[key])] = try Value(reading: Node(document: document, index: key + 1))
            key = view.next(key + 1)
        }
        withExtendedLifetime(document) {}
        // The document has each once as bytes.
        guard count == node.count else {
            throw node.mismatch(Self.self, "map whose keys are different texts, not one in other bytes")
        }
    }
}

extension Dictionary: TokenWritable where Key == String, Value: TokenWritable {
    /// Writes every value, in no particular order; canonical bytes have one.
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: count)
        for (key, value) in self {
            try writer.key(key)
            try value.write(to: &writer)
        }
        try writer.endMap()
    }
}

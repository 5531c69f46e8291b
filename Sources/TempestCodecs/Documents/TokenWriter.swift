// Values as a stream of tokens: what every writer takes and every value, node and recording gives.
// Before it: a Value, a Node or an Encodable. After it: a codec's bytes or a TokenBuffer.

/// Takes the tokens of a document, in order; counts of containers are always known up front.
///
/// A writer refuses calls that make no document (a value where a key belongs, more elements than were announced) and holds to
/// its ``Limits``. After an error it must be thrown away.
public protocol TokenWriter {
    /// Writes null.
    mutating func null() throws(CodecError)
    /// Writes a bool.
    mutating func bool(_ value: Bool) throws(CodecError)
    /// Writes an integer.
    mutating func int(_ value: Int64) throws(CodecError)
    /// Writes an integer; one that fits Int64 is the same value as the Int64.
    mutating func uint(_ value: UInt64) throws(CodecError)
    /// Writes a float; NaN and the infinities are refused.
    mutating func double(_ value: Double) throws(CodecError)
    /// Writes text.
    mutating func text(_ value: String) throws(CodecError)
    /// Writes text that is given as UTF-8; other bytes are refused.
    mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError)
    /// Writes bytes.
    mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError)
    /// Writes a MessagePack extension; other codecs refuse it.
    mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError)
    /// Opens an array of `count` elements.
    mutating func beginArray(count: Int) throws(CodecError)
    /// Closes the array.
    mutating func endArray() throws(CodecError)
    /// Opens a map of `count` pairs.
    mutating func beginMap(count: Int) throws(CodecError)
    /// Writes the key of the next value. Keys of a map differ; only ``TokenBuffer`` checks it.
    mutating func key(_ key: String) throws(CodecError)
    /// Writes a key that is given as UTF-8.
    mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError)
    /// Closes the map.
    mutating func endMap() throws(CodecError)

    /// Writes a key and text for it: the same as the two tokens one after the other, and faster. So are the next three.
    mutating func write(_ key: String, _ value: String) throws(CodecError)
    /// Writes a key and an integer.
    mutating func write(_ key: String, _ value: Int) throws(CodecError)
    /// Writes a key and a float.
    mutating func write(_ key: String, _ value: Double) throws(CodecError)
    /// Writes a key and a bool.
    mutating func write(_ key: String, _ value: Bool) throws(CodecError)
    /// Writes an array of integers: the same as its tokens one after the other, and faster. So are the next two.
    mutating func write(_ integers: [Int]) throws(CodecError)
    /// Writes an array of floats.
    mutating func write(_ floats: [Double]) throws(CodecError)
    /// Writes an array of texts.
    mutating func write(_ texts: [String]) throws(CodecError)
    /// Writes a value with all that is in it. By default token by token.
    mutating func write(_ value: Value) throws(CodecError)
    /// Writes a node with all that is in it. By default token by token.
    mutating func write(_ node: Node) throws(CodecError)
    /// Writes all the values of a recording. By default token by token.
    mutating func write(_ recording: TokenBuffer) throws(CodecError)
}

extension TokenWriter {
    /// Writes a key and its value.
    @inlinable
    public mutating func write(_ key: String, _ value: some TokenWritable) throws(CodecError) {
        try self.key(key)
        try value.write(to: &self)
    }

    /// Writes a key and its value.
    public mutating func write(_ key: String, _ value: String) throws(CodecError) {
        try self.key(key)
        try text(value)
    }

    /// Writes a key and its value.
    public mutating func write(_ key: String, _ value: Int) throws(CodecError) {
        try self.key(key)
        try int(Int64(value))
    }

    /// Writes a key and its value.
    public mutating func write(_ key: String, _ value: Double) throws(CodecError) {
        try self.key(key)
        try double(value)
    }

    /// Writes a key and its value.
    public mutating func write(_ key: String, _ value: Bool) throws(CodecError) {
        try self.key(key)
        try bool(value)
    }

    /// Writes an array of integers.
    public mutating func write(_ integers: [Int]) throws(CodecError) {
        try beginArray(count: integers.count)
        for integer in integers { try int(Int64(integer)) }
        try endArray()
    }

    /// Writes an array of floats.
    public mutating func write(_ floats: [Double]) throws(CodecError) {
        try beginArray(count: floats.count)
        for float in floats { try double(float) }
        try endArray()
    }

    /// Writes an array of texts.
    public mutating func write(_ texts: [String]) throws(CodecError) {
        try beginArray(count: texts.count)
        for string in texts { try text(string) }
        try endArray()
    }

    /// Writes a value with all that is in it, as deep as the writer's limit at most.
    public mutating func write(_ value: Value) throws(CodecError) {
        switch value {
        case .null: try null()
        case .bool(let value): try bool(value)
        case .int(let value): try int(value)
        case .uint(let value): try uint(value)
        case .double(let value): try double(value)
        case .text(let value): try text(value)
        case .binary(let bytes): try binary(bytes)
        case .ext(let type, let data): try ext(type: type, data: data)
        case .array(let array):
            try beginArray(count: array.count)
            for element in array { try write(element) }
            try endArray()
        case .map(let map):
            try beginMap(count: map.count)
            for (name, element) in map {
                try key(name)
                try write(element)
            }
            try endMap()
        }
    }

    /// Writes a node with all that is in it.
    public mutating func write(_ node: Node) throws(CodecError) {
        try node.document.tape.write(from: node.index, to: node.document.tape.next(node.index), into: &self)
    }

    /// Writes all the values of a recording.
    public mutating func write(_ recording: TokenBuffer) throws(CodecError) {
        try recording.nesting.finish()
        try recording.tape.write(from: 0, to: recording.tape.entries.count, into: &self)
    }

    /// Writes text.
    public mutating func text(_ value: String) throws(CodecError) {
        try value.withRawUTF8 { (raw) throws(CodecError) in try text(utf8: raw) }
    }

    /// Writes the key of the next value.
    public mutating func key(_ key: String) throws(CodecError) {
        try key.withRawUTF8 { (raw) throws(CodecError) in try self.key(utf8: raw) }
    }

    /// Writes bytes.
    public mutating func binary(_ bytes: [UInt8]) throws(CodecError) {
        try bytes.withRawBytes { (raw) throws(CodecError) in try binary(raw) }
    }

    /// Writes a MessagePack extension; other codecs refuse it.
    public mutating func ext(type: Int8, data: [UInt8]) throws(CodecError) {
        try data.withRawBytes { (raw) throws(CodecError) in try ext(type: type, data: raw) }
    }
}

/// What can be given to a writer as exactly one value (a ``TokenBuffer``: as many as were recorded).
public protocol TokenWritable {
    /// Writes the value.
    func write<W: TokenWriter>(to writer: inout W) throws(CodecError)
}

extension String {
    /// Calls the body with the UTF-8, without a copy of the string, which would be retained and released.
    @inline(__always)
    func withFastUTF8<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        if let result = utf8.withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) { return result }
        var copy = self
        return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }

    /// The UTF-8 of a string, without a copy where it is stored so already. (The standard library's call is not typed in its error.)
    @inline(__always)
    func withRawUTF8<R>(_ body: (UnsafeRawBufferPointer) throws(CodecError) -> R) throws(CodecError) -> R {
        var copy = self
        let result: Result<R, CodecError> = copy.withUTF8 { utf8 in
            do throws(CodecError) {
                return .success(try body(UnsafeRawBufferPointer(utf8)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension [UInt8] {
    /// The bytes of an array, with a typed error.
    @inline(__always)
    func withRawBytes<R>(_ body: (UnsafeRawBufferPointer) throws(CodecError) -> R) throws(CodecError) -> R {
        try withUnsafeBufferPointer { (bytes) throws(CodecError) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}

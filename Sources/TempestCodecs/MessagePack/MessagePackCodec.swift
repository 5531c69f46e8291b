// MessagePack, strictly and within bounds; held against libmsgpack (msgpack-c) by tests, fuzzers and the benchmark.
// Before it: an envelope that begins with 0x80-0x9F or 0xDC-0xDF. After it: a Document.

/// MessagePack. Every format is read; integers are written in the smallest, floats with 64 bits; ext is carried as it is.
public struct MessagePackCodec: Codec {
    /// The codec.
    public init() {}

    /// `msgpack`.
    public var name: String { "msgpack" }
    /// `application/vnd.msgpack`.
    public var contentType: String { "application/vnd.msgpack" }

    /// Whether the first byte is that of an array or a map.
    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first else { return false }
        return 0x80...0x9F ~= first || 0xDC...0xDF ~= first
    }

    /// Reads one value.
    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        try MessagePackReader.document(bytes, limits: limits)
    }

    /// Reads one value that nothing else is asked of.
    public func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value {
        try MessagePackReader.value(bytes, limits: limits)
    }

    /// A writer for one document.
    public func makeWriter(limits: Limits) -> MessagePackWriter { MessagePackWriter(limits: limits) }

    /// The bytes of a document that is complete.
    public func finish(_ writer: consuming MessagePackWriter) throws(CodecError) -> [UInt8] { try writer.base.finish() }

    /// The bytes of a value, node or recording.
    public func encode<T: TokenWritable>(_ value: T, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8] {
        // Here and not in the protocol's extension, so that the compiler writes it out for this codec.
        if T.self == Value.self, !canonical {
            return try FormWriter.bytes(unsafeBitCast(value, to: Value.self), MessagePackForm(), limits)
        }
        if T.self == TokenBuffer.self, !canonical {
            var writer = makeWriter(limits: limits)
            try writer.write(unsafeBitCast(value, to: TokenBuffer.self))
            return try finish(consume writer)
        }
        return try written(value, limits: limits, canonical: canonical)
    }

    /// The bytes of an `Encodable`.
    public func encode<T: Encodable>(encoding value: T, limits: Limits, canonical: Bool) throws -> [UInt8] {
        if canonical {
            var buffer = TokenBuffer(limits: limits)
            try buffer.encode(value)
            return try encode(buffer, limits: limits, canonical: true)
        }
        return try Recorder.record(value, limits: limits) { (view, count) in
            try FormWriter.bytes(view, count, MessagePackForm(), limits)
        }
    }
}

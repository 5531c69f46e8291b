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

    /// Yes: before its version of 2013 there was one format for text and bytes, and Ruby still packs a string as bin that is not marked
    /// as UTF-8.
    public var binaryMayBeText: Bool { true }

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

    /// The bytes of a value, node or recording.
    public func encode<T: TokenWritable>(_ value: T, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8] {
        // Here and not in an extension, so that the compiler writes it out for this codec.
        try encoded(value, limits: limits, canonical: canonical)
    }

    /// The bytes of an `Encodable`.
    public func encode<T: Encodable>(encoding value: T, limits: Limits, canonical: Bool) throws -> [UInt8] {
        try encodedEncodable(value, limits: limits, canonical: canonical)
    }
}

// MessagePack over libmsgpack (msgpack-c), within bounds that the library does not keep by itself.
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
        let builder = try DocumentBuilder(source: bytes, limits: limits, codec: "msgpack")
        return try bytes.withRawBytes { (raw) throws(CodecError) in
            var reader = MessagePackReader(bytes: raw, builder: builder)
            try reader.read()
            return try reader.builder.finish()
        }
    }

    /// A writer for one document.
    public func makeWriter(limits: Limits) -> MessagePackWriter { MessagePackWriter(limits: limits) }

    /// The bytes of a document that is complete.
    public func finish(_ writer: consuming MessagePackWriter) throws(CodecError) -> [UInt8] { try writer.finish() }
}

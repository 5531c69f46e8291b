// Tagged netstrings, the format of the first tempests, strictly (codecs.md).
// Before it: an envelope that begins with a digit. After it: a Document.

/// tnetstring: every value is its length, a colon, its bytes and a tag. Binary goes as text; ext has no form.
public struct TNetstringCodec: Codec {
    /// The codec.
    public init() {}

    /// `tnetstring`.
    public var name: String { "tnetstring" }
    /// `application/x-tnetstring`.
    public var contentType: String { "application/x-tnetstring" }

    /// Whether the first byte is a digit.
    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first else { return false }
        return first &- 48 < 10
    }

    /// Reads one value.
    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        let builder = try DocumentBuilder(source: bytes, limits: limits, codec: "tnetstring")
        return try bytes.withRawBytes { (raw) throws(CodecError) in
            var reader = TNetstringReader(bytes: raw, builder: builder)
            try reader.read()
            return try reader.builder.finish()
        }
    }

    /// A writer for one document.
    public func makeWriter(limits: Limits) -> TNetstringWriter { TNetstringWriter(limits: limits) }

    /// The bytes of a document that is complete.
    public func finish(_ writer: consuming TNetstringWriter) throws(CodecError) -> [UInt8] { try writer.finish() }
}

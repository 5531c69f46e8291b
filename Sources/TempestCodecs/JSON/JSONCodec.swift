// JSON (RFC 8259), strictly, with a marker for binary (codecs.md, "Binary in JSON").
// Before it: an envelope that begins with a bracket. After it: a Document.

/// JSON. Integers and floats keep apart by the point or exponent; binary is `{"$b64":"…"}`; ext has no form.
public struct JSONCodec: Codec {
    /// The codec.
    public init() {}

    /// `json`.
    public var name: String { "json" }
    /// `application/json`.
    public var contentType: String { "application/json" }

    /// Whether the first byte after white space is a bracket or brace.
    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes where byte != 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D {
            return byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{")
        }
        return false
    }

    /// Reads one value.
    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        guard bytes.count <= limits.bytes else {
            throw CodecError(.size, "json: \(bytes.count) bytes, over the limit of \(limits.bytes)")
        }
        return try bytes.withRawBytes { (raw) throws(CodecError) in
            var reader = JSONReader(bytes: raw, source: bytes, limits: limits)
            try reader.read()
            return try reader.builder.finish()
        }
    }

    /// A writer for one document.
    public func makeWriter(limits: Limits) -> JSONWriter { JSONWriter(limits: limits) }

    /// The bytes of a document that is complete.
    public func finish(_ writer: consuming JSONWriter) throws(CodecError) -> [UInt8] { try writer.finish() }
}

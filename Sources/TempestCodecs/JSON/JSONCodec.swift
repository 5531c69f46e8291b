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
        try JSONReader.document(bytes, limits: limits)
    }

    /// Reads one value that nothing else is asked of.
    public func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value {
        try JSONReader.value(bytes, limits: limits)
    }

    /// A writer for one document.
    public func makeWriter(limits: Limits) -> JSONWriter { JSONWriter(limits: limits) }

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

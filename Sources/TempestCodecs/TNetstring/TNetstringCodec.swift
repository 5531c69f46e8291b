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
        try TNetstringReader.document(bytes, limits: limits)
    }

    /// Reads one value that nothing else is asked of.
    public func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value {
        try TNetstringReader.value(bytes, limits: limits)
    }

    /// A writer for one document; a length has nine digits at most.
    public func makeWriter(limits: Limits) -> TNetstringWriter {
        TNetstringWriter(limits: Self.bounded(limits))
    }

    private static func bounded(_ limits: Limits) -> Limits {
        var limits = limits
        limits.bytes = min(limits.bytes, 999_999_999)
        return limits
    }

    /// The bytes of a value, node or recording.
    public func encode<T: TokenWritable>(_ value: T, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8] {
        // Here and not in an extension, so that the compiler writes it out for this codec.
        try encoded(value, limits: Self.bounded(limits), canonical: canonical)
    }

    /// The bytes of an `Encodable`.
    public func encode<T: Encodable>(encoding value: T, limits: Limits, canonical: Bool) throws -> [UInt8] {
        try encodedEncodable(value, limits: Self.bounded(limits), canonical: canonical)
    }
}

// CBOR (RFC 8949) as a codec of Tempest: what a program hands to WorkerOptions.codecs and ClientOptions.codecs.
// Before it: an envelope that begins with D9 D9 F7. After it: a Document, or bytes for Redis.

public import TempestCodecs

/// CBOR. Every document is written behind the self-describing tag 55799 (RFC 8949 section 3.4.6), by which envelopes are recognised.
///
/// Read are all heads, in any length, and items of indefinite length; a document that is named to be CBOR may lack the tag. Refused is
/// what Tempest has no value for: integers beyond -2^63…2^64-1, NaN and the infinities, undefined and other simple values, tags (but the
/// one at the beginning), keys that are not text. Written is the preferred serialisation: lengths known, heads as short as can be, floats
/// in the shortest of 16, 32 and 64 bits that holds them exactly.
public struct CBORCodec: Codec {
    /// What every document is written behind: the head of tag 55799.
    static let prefix: [UInt8] = [0xD9, 0xD9, 0xF7]

    /// The codec.
    public init() {}

    /// `cbor`.
    public var name: String { "cbor" }
    /// `application/cbor`.
    public var contentType: String { "application/cbor" }

    /// Whether the bytes begin with the self-describing tag, as no document of the other codecs does.
    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: Self.prefix)
    }

    /// Reads one value, with or without the self-describing tag.
    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        let builder = try DocumentBuilder(source: bytes, limits: limits, codec: "cbor")
        var reader = CBORReader(bytes: bytes, builder: builder)
        try reader.read()
        return try reader.builder.finish()
    }

    /// A writer for one document.
    public func makeWriter(limits: Limits) -> CBORWriter { CBORWriter(limits: limits) }
}

extension Codec where Self == CBORCodec {
    /// CBOR.
    public static var cbor: CBORCodec { CBORCodec() }
}

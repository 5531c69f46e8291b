// A codec: bytes <-> tokens. What stands on it (Value, Codable, the envelope) is written once for all of them; third parties add one by
// conforming to this protocol.

/// How documents are read and written.
///
/// A conforming type says how it is called and recognised, builds a ``Document`` from bytes, and has a writer of tokens. It must refuse
/// what its grammar forbids and what ``DocumentBuilder`` refuses for all; errors name the byte. `Codable` and ``Value`` come for free.
public protocol Codec: Sendable {
    associatedtype Writer: TokenWriter
    /// A short word for people and for `meta.accept`, such as `json`.
    var name: String { get }
    /// Its media type, such as `application/json`.
    var contentType: String { get }
    /// Whether an envelope (an array or map) that begins with these bytes is in this codec.
    func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool
    /// Reads one document. Throws ``CodecError`` with the offset of what is wrong.
    func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document
    /// A writer for one document.
    func makeWriter(limits: Limits) -> Writer
    /// The bytes of a document that was written completely.
    func finish(_ writer: consuming Writer) throws(CodecError) -> [UInt8]
}

extension Codec {
    public func parse(_ bytes: [UInt8]) throws(CodecError) -> Document { try parse(bytes, limits: .standard) }

    /// The bytes of a value. `canonical`: the keys of all maps sorted by their UTF-8 bytes, for digests and signatures.
    public func encode(
        _ value: some TokenWritable, limits: Limits = .standard, canonical: Bool = false
    ) throws(CodecError) -> [UInt8] {
        var writer = makeWriter(limits: limits)
        if canonical {
            var buffer = TokenBuffer()
            try value.write(to: &buffer)
            try CanonicalTokens(buffer).write(to: &writer)
        } else {
            try value.write(to: &writer)
        }
        return try finish(writer)
    }

    /// The bytes of a value of a `Codable` type. Throws `EncodingError` or ``CodecError``.
    public func encode(encoding value: some Encodable, limits: Limits = .standard) throws -> [UInt8] {
        var buffer = TokenBuffer()
        try buffer.encode(value)
        return try encode(buffer, limits: limits)
    }

    /// Reads a `Codable` type. Throws ``CodecError`` for bad bytes, `DecodingError` with the path for values that do not fit.
    public func decode<T: Decodable>(_: T.Type = T.self, from bytes: [UInt8], limits: Limits = .standard) throws -> T {
        try parse(bytes, limits: limits).root.decode(T.self)
    }

    /// Reads a dynamic value.
    public func value(_ bytes: [UInt8], limits: Limits = .standard) throws(CodecError) -> Value {
        try parse(bytes, limits: limits).root.value
    }
}

extension Codec where Self == JSONCodec { public static var json: JSONCodec { JSONCodec() } }
extension Codec where Self == MessagePackCodec { public static var messagePack: MessagePackCodec { MessagePackCodec() } }
extension Codec where Self == TNetstringCodec { public static var tnetstring: TNetstringCodec { TNetstringCodec() } }

// A way to write values as bytes. The set of codecs picks one by the first byte of an envelope.
// Before it: bytes from Redis. After it: a Document that envelope and handler read, or bytes for Redis.

/// A codec: JSON, MessagePack, tnetstring, or a program's own.
///
/// A codec is a value without state; `any Codec` may be kept in lists and is opened once a document, never once a token.
public protocol Codec: Sendable {
    /// What writes the tokens of one document.
    associatedtype Writer: TokenWriter

    /// The codec's name, as in `accept` of an envelope's meta: `json`, `msgpack`, `tnetstring`.
    var name: String { get }
    /// The media type, for HTTP bridges and logs.
    var contentType: String { get }

    /// Whether senders that mean text may write what is read as binary: the name of a job is then taken from binary too, if it is UTF-8.
    /// By default no, which is right wherever the format tells text from bytes and its libraries keep to that.
    var binaryMayBeText: Bool { get }

    /// Whether an envelope that begins with these bytes is in this codec. No other codec of the set may say so too: ``CodecSet`` stops
    /// the program where it sees two.
    func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// Reads exactly one value that fills all the bytes.
    ///
    /// Everything in `bytes` is hostile: implementations go through ``DocumentBuilder``, which holds to the limits.
    func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document

    /// A writer for one document, which holds to the limits. A codec that says only the form of each token
    /// has one by ``FormWriting``.
    func makeWriter(limits: Limits) -> Writer

    /// The bytes of what was written; throws if it is not exactly one complete value. There is a default for writers that are
    /// ``FormWriting``.
    func finish(_ writer: consuming Writer) throws(CodecError) -> [UInt8]

    /// The dynamic value that the bytes hold. By default that of the parsed document.
    func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value

    /// The bytes of a value, node or recording. By default it is given to a writer.
    ///
    /// Canonical bytes have the keys of every map sorted by their UTF-8 bytes.
    func encode(_ value: some TokenWritable, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8]

    /// The bytes of an `Encodable`. By default it is recorded and the recording given to a writer.
    ///
    /// Throws `EncodingError` with the path, or ``CodecError``.
    func encode(encoding value: some Encodable, limits: Limits, canonical: Bool) throws -> [UInt8]
}

extension Codec {
    /// No.
    public var binaryMayBeText: Bool { false }

    /// Reads one value within the protocol's limits.
    public func parse(_ bytes: [UInt8]) throws(CodecError) -> Document {
        try parse(bytes, limits: .standard)
    }

    /// The dynamic value that the bytes hold.
    public func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value {
        try parse(bytes, limits: limits).root.value
    }

    /// The dynamic value that the bytes hold.
    public func value(_ bytes: [UInt8]) throws(CodecError) -> Value {
        try value(bytes, limits: .standard)
    }

    /// The bytes of a value, node or recording.
    public func encode(_ value: some TokenWritable, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8] {
        try written(value, limits: limits, canonical: canonical)
    }

    /// The bytes of a value, node or recording.
    public func encode(_ value: some TokenWritable, limits: Limits = .standard) throws(CodecError) -> [UInt8] {
        try encode(value, limits: limits, canonical: false)
    }

    /// The bytes of a value, node or recording; canonical ones have the keys of every map sorted by their UTF-8 bytes.
    public func encode(_ value: some TokenWritable, canonical: Bool) throws(CodecError) -> [UInt8] {
        try encode(value, limits: .standard, canonical: canonical)
    }

    @inline(__always)
    func written<T: TokenWritable>(_ value: T, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8] {
        var writer = makeWriter(limits: limits)
        if canonical {
            var buffer = TokenBuffer(limits: limits)
            try value.write(to: &buffer)
            try buffer.writeSorted(to: &writer)
        } else {
            try value.write(to: &writer)
        }
        return try finish(consume writer)
    }

    /// The bytes of an `Encodable`.
    public func encode(encoding value: some Encodable, limits: Limits, canonical: Bool) throws -> [UInt8] {
        var buffer = TokenBuffer(limits: limits)
        try buffer.encode(value)
        return try encode(buffer, limits: limits, canonical: canonical)
    }

    /// The bytes of an `Encodable`. Throws `EncodingError` with the path, or ``CodecError``.
    public func encode(encoding value: some Encodable, limits: Limits = .standard) throws -> [UInt8] {
        try encode(encoding: value, limits: limits, canonical: false)
    }

    /// The bytes of an `Encodable`; canonical ones have the keys of every map sorted by their UTF-8 bytes.
    public func encode(encoding value: some Encodable, canonical: Bool) throws -> [UInt8] {
        try encode(encoding: value, limits: .standard, canonical: canonical)
    }

    /// A `Decodable` from bytes. Throws ``CodecError`` for bytes that are no document, `DecodingError` for a wrong shape.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8], limits: Limits = .standard) throws -> T {
        try parse(bytes, limits: limits).root.decode(type)
    }
}

extension Codec where Self == JSONCodec {
    /// JSON.
    public static var json: JSONCodec { JSONCodec() }
}

extension Codec where Self == MessagePackCodec {
    /// MessagePack.
    public static var messagePack: MessagePackCodec { MessagePackCodec() }
}

extension Codec where Self == TNetstringCodec {
    /// tnetstring.
    public static var tnetstring: TNetstringCodec { TNetstringCodec() }
}

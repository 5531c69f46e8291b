// The codecs that a program reads, and the rule of the first byte.
// Before it: an envelope's bytes. After it: the codec that parses them.

/// The codecs that envelopes may be in.
public struct CodecSet: Sendable {
    /// JSON, MessagePack and tnetstring.
    public static let standard = CodecSet([.json, .messagePack, .tnetstring])

    private let codecs: [any Codec]

    /// A set; the first that recognises an envelope reads it.
    public init(_ codecs: [any Codec]) {
        self.codecs = codecs
    }

    /// The names, in order.
    public var names: [String] { codecs.map(\.name) }

    /// The codec of this name, or nil.
    public func named(_ name: String) -> (any Codec)? {
        codecs.first { $0.name == name }
    }

    /// The codec of an envelope, by its beginning; nil when no codec of the set begins so (0xC1 is reserved: always nil).
    public func detect(_ bytes: [UInt8]) -> (any Codec)? {
        guard let first = bytes.first, first != 0xC1 else { return nil }
        return bytes.withUnsafeBytes { raw in codecs.first { $0.recognizes(raw) } }
    }

    /// This set and one more codec; a codec of the same name is replaced.
    public func adding(_ codec: any Codec) -> CodecSet {
        CodecSet(codecs.filter { $0.name != codec.name } + [codec])
    }
}

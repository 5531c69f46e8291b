// The codecs that a program understands, and which of them a document is in.

/// Codecs by name and by first byte.
public struct CodecSet: Sendable {
    private let codecs: [any Codec]

    /// Asked in this order.
    public init(_ codecs: [any Codec]) { self.codecs = codecs }

    /// JSON, MessagePack, tnetstring.
    public static let standard = CodecSet([JSONCodec(), MessagePackCodec(), TNetstringCodec()])

    /// These and one more.
    public func adding(_ codec: any Codec) -> CodecSet { CodecSet(codecs + [codec]) }

    public var names: [String] { codecs.map(\.name) }

    public func named(_ name: String) -> (any Codec)? { codecs.first { $0.name == name } }

    /// The codec of an envelope, told by its first bytes; nil for what no codec's array or map begins with.
    public func detect(_ bytes: [UInt8]) -> (any Codec)? {
        bytes.withUnsafeBytes { bytes in codecs.first { $0.recognizes(bytes) } }
    }
}

// tnetstring, with the open points of its specification decided in protocol/codecs.md.

/// tnetstring. It has one type for text and binary: bytes that are valid UTF-8 are read as text.
public struct TNetstringCodec: Codec {
    public init() {}

    public var name: String { "tnetstring" }
    public var contentType: String { "application/x-tnetstring" }

    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.first.map { (0x30...0x39).contains($0) } ?? false
    }

    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        try withBytes(bytes) { (buffer) throws(CodecError) in
            var reader = try TNetstringReader(buffer, limits: limits)
            try reader.read()
            return try reader.builder.finish(bytes)
        }
    }

    public func makeWriter(limits: Limits) -> TNetstringWriter { TNetstringWriter(limits) }
    public func finish(_ writer: consuming TNetstringWriter) throws(CodecError) -> [UInt8] { try writer.finish() }
}

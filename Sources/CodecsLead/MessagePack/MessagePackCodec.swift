// MessagePack on libmsgpack (msgpack-c).

/// MessagePack. Ext, timestamps too, is carried as it is.
public struct MessagePackCodec: Codec {
    public init() {}

    public var name: String { "msgpack" }
    public var contentType: String { "application/vnd.msgpack" }

    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.first.map { (0x80...0x9F).contains($0) || (0xDC...0xDF).contains($0) } ?? false
    }

    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        try withBytes(bytes) { (buffer) throws(CodecError) in
            var builder = try DocumentBuilder(buffer, limits: limits)
            let depth = try MessagePackScan(buffer, limits: limits).check()
            try MessagePackReader(buffer).read(into: &builder, depth: depth)
            return try builder.finish(bytes)
        }
    }

    public func makeWriter(limits: Limits) -> MessagePackWriter { MessagePackWriter(limits) }
    public func finish(_ writer: consuming MessagePackWriter) throws(CodecError) -> [UInt8] { try writer.finish() }
}

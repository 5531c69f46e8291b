// JSON (RFC 8259), strict: what it refuses beyond the grammar is listed in protocol/codecs.md.

/// JSON. Binary travels as `{"$b64":"…"}`; ext has no form.
public struct JSONCodec: Codec {
    public init() {}

    public var name: String { "json" }
    public var contentType: String { "application/json" }

    public func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let first = bytes.first { !JSONReader.isSpace($0) }
        return first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
    }

    public func parse(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        try withBytes(bytes) { (buffer) throws(CodecError) in
            var reader = try JSONReader(buffer, limits: limits)
            try reader.read()
            return try reader.builder.finish(bytes)
        }
    }

    public func makeWriter(limits: Limits) -> JSONWriter { JSONWriter(limits) }
    public func finish(_ writer: consuming JSONWriter) throws(CodecError) -> [UInt8] { try writer.finish() }
}

/// A map with one key, `$b64` after any number of further `$`, and canonical base64 under it: how binary travels, and how a map that
/// looks so is told apart (one `$` more).
enum BinaryMarker {
    static let key = Array("$b64".utf8)

    /// How many `$` stand before `$b64`; nil for any other key.
    static func escapes(_ key: UnsafeRawBufferPointer) -> Int? {
        let extra = key.count - Self.key.count
        guard extra >= 0, key[extra...].elementsEqual(Self.key), key[..<extra].allSatisfy({ $0 == UInt8(ascii: "$") }) else {
            return nil
        }
        return extra
    }
}

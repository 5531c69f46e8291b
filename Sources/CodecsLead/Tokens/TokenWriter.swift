// How values become bytes: a codec's writer takes tokens, whatever produces them (a Value, a Codable type, a parsed document).

/// Takes the tokens of one document, in order. Every method throws ``CodecError`` when the codec has no form for the token, or the
/// document becomes too deep or too large. Counts are always known beforehand, as MessagePack needs them.
public protocol TokenWriter {
    mutating func null() throws(CodecError)
    mutating func bool(_ value: Bool) throws(CodecError)
    mutating func int(_ value: Int64) throws(CodecError)
    /// An integer, above `Int64.max` or not.
    mutating func uint(_ value: UInt64) throws(CodecError)
    /// A finite float; others throw.
    mutating func double(_ value: Double) throws(CodecError)
    /// Bytes that are valid UTF-8.
    mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError)
    mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError)
    mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError)
    mutating func beginArray(count: Int) throws(CodecError)
    mutating func endArray() throws(CodecError)
    mutating func beginMap(count: Int) throws(CodecError)
    /// The key of the next value; bytes that are valid UTF-8.
    mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError)
    mutating func endMap() throws(CodecError)
}

extension TokenWriter {
    public mutating func text(_ value: String) throws(CodecError) {
        try withUTF8(value) { (bytes) throws(CodecError) in try self.text(utf8: bytes) }
    }

    public mutating func key(_ value: String) throws(CodecError) {
        try withUTF8(value) { (bytes) throws(CodecError) in try self.key(utf8: bytes) }
    }

    public mutating func binary(_ value: [UInt8]) throws(CodecError) {
        try withBytes(value) { (bytes) throws(CodecError) in try self.binary(bytes) }
    }

    public mutating func ext(type: Int8, data: [UInt8]) throws(CodecError) {
        try withBytes(data) { (bytes) throws(CodecError) in try self.ext(type: type, data: bytes) }
    }
}

/// Something that can be written as tokens: exactly one value, as many tokens as that has.
public protocol TokenWritable {
    func write<W: TokenWriter>(to writer: inout W) throws(CodecError)
}

func withUTF8(_ text: String, _ body: (UnsafeRawBufferPointer) throws(CodecError) -> Void) throws(CodecError) {
    var text = text
    var failure: CodecError?
    text.withUTF8 { bytes in
        do throws(CodecError) { try body(UnsafeRawBufferPointer(bytes)) } catch { failure = error }
    }
    if let failure { throw failure }
}

func withBytes<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(CodecError) -> R) throws(CodecError) -> R {
    var result: Result<R, CodecError>?
    bytes.withUnsafeBytes { buffer in
        do throws(CodecError) { result = .success(try body(buffer)) } catch { result = .failure(error) }
    }
    switch result {
    case .success(let value)?: return value
    case .failure(let error)?: throw error
    case nil: throw CodecError(.syntax, "there are no bytes")
    }
}

// Tokens as CBOR, in preferred serialisation (RFC 8949 section 4.1).
// Before it: a Value, Node or TokenBuffer. After it: bytes for Redis.

public import TempestCodecs

/// Writes one CBOR document. What may not be written is TokenOrder's business; here are the bytes.
public struct CBORWriter: TokenWriter {
    private var bytes = CBORCodec.prefix
    private var order: TokenOrder

    init(limits: Limits) {
        order = TokenOrder(codec: "cbor", limits: limits)
    }

    /// Writes F6.
    public mutating func null() throws(CodecError) {
        try order.scalar()
        try head(.simple, 22)
    }

    /// Writes F4 or F5.
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try order.scalar()
        try head(.simple, value ? 21 : 20)
    }

    /// Writes an integer in the fewest bytes.
    public mutating func int(_ value: Int64) throws(CodecError) {
        try order.scalar()
        // -1 - value is the complement, which does not overflow.
        if value < 0 { try head(.negative, UInt64(~value)) } else { try head(.unsigned, UInt64(value)) }
    }

    /// Writes an integer in the fewest bytes.
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try order.scalar()
        try head(.unsigned, value)
    }

    /// Writes a float in the shortest of 16, 32 and 64 bits that holds it exactly; refuses NaN and the infinities.
    public mutating func double(_ value: Double) throws(CodecError) {
        try order.double(value)
        if let single = Float(exactly: value) {
            if let half = HalfFloat.bits(exactly: single) {
                CBORHead.append(0xF9, UInt64(half), 2, to: &bytes)
            } else {
                CBORHead.append(0xFA, UInt64(single.bitPattern), 4, to: &bytes)
            }
        } else {
            CBORHead.append(0xFB, value.bitPattern, 8, to: &bytes)
        }
        try order.fits(bytes.count)
    }

    /// Writes a text string.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try order.text(utf8: utf8)
        try string(.text, utf8)
    }

    /// Writes a byte string.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try order.scalar()
        try string(.bytes, bytes)
    }

    /// Refuses: MessagePack's types of extensions are no tags of CBOR.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        throw CodecError(.unencodable, "cbor: no form for a MessagePack extension (type \(type))")
    }

    /// Opens an array of known length.
    public mutating func beginArray(count: Int) throws(CodecError) {
        try order.beginArray(count: count)
        try head(.array, UInt64(count))
    }

    /// Closes the array: nothing to write.
    public mutating func endArray() throws(CodecError) {
        try order.endArray()
    }

    /// Opens a map of known length.
    public mutating func beginMap(count: Int) throws(CodecError) {
        try order.beginMap(count: count)
        try head(.map, UInt64(count))
    }

    /// Writes a key as a text string.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try order.key(utf8: utf8)
        try string(.text, utf8)
    }

    /// Closes the map: nothing to write.
    public mutating func endMap() throws(CodecError) {
        try order.endMap()
    }

    consuming func finish() throws(CodecError) -> [UInt8] {
        try order.finish()
        return bytes
    }

    private mutating func head(_ major: CBORMajor, _ argument: UInt64) throws(CodecError) {
        CBORHead.append(major, argument, to: &bytes)
        try order.fits(bytes.count)
    }

    /// Says no before it takes memory for a long string.
    private mutating func string(_ major: CBORMajor, _ content: UnsafeRawBufferPointer) throws(CodecError) {
        CBORHead.append(major, UInt64(content.count), to: &bytes)
        try order.fits(bytes.count + content.count)
        bytes.append(contentsOf: content)
    }
}

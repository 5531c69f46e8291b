// Tokens as CBOR, in preferred serialisation (RFC 8949 section 4.1).
// Before it: CBORWriter, which has checked them. After it: bytes for Redis.

public import TempestCodecs

/// The form of CBOR, behind the self-describing tag. MessagePack's types of extensions are no tags of CBOR: the default refuses them.
public struct CBORForm: TokenForm {
    private var bytes = CBORCodec.prefix

    /// `cbor`.
    public static var codec: String { "cbor" }
    /// Bytes so far.
    public var size: Int { bytes.count }

    /// Writes F6.
    public mutating func null() { head(.simple, 22) }
    /// Writes F4 or F5.
    public mutating func bool(_ value: Bool) { head(.simple, value ? 21 : 20) }
    /// Writes an integer in the fewest bytes.
    public mutating func int(_ value: Int64) {
        // -1 - value is the complement, which does not overflow.
        if value < 0 { head(.negative, UInt64(~value)) } else { head(.unsigned, UInt64(value)) }
    }
    /// Writes an integer in the fewest bytes.
    public mutating func uint(_ value: UInt64) { head(.unsigned, value) }

    /// Writes a float in the shortest of 16, 32 and 64 bits that holds it exactly.
    public mutating func double(_ value: Double) {
        guard let single = Float(exactly: value) else { return CBORHead.append(0xFB, value.bitPattern, 8, to: &bytes) }
        if let half = HalfFloat.bits(exactly: single) {
            CBORHead.append(0xF9, UInt64(half), 2, to: &bytes)
        } else {
            CBORHead.append(0xFA, UInt64(single.bitPattern), 4, to: &bytes)
        }
    }

    /// Writes a text string.
    public mutating func text(_ utf8: UnsafeRawBufferPointer) { string(.text, utf8) }
    /// Writes a byte string.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) { string(.bytes, bytes) }
    /// Opens an array of known length.
    public mutating func beginArray(count: Int) { head(.array, UInt64(count)) }
    /// Nothing: the count says where an array ends.
    public mutating func endArray() {}
    /// Opens a map of known length.
    public mutating func beginMap(count: Int) { head(.map, UInt64(count)) }
    /// Writes a key as a text string.
    public mutating func key(_ utf8: UnsafeRawBufferPointer, isOnly: Bool) { string(.text, utf8) }
    /// Nothing: the count says where a map ends.
    public mutating func endMap() {}
    /// Hands out the bytes.
    public mutating func finish() -> [UInt8] { bytes }

    private mutating func head(_ major: CBORMajor, _ argument: UInt64) {
        CBORHead.append(major, argument, to: &bytes)
    }

    private mutating func string(_ major: CBORMajor, _ content: UnsafeRawBufferPointer) {
        head(major, UInt64(content.count))
        bytes.append(contentsOf: content)
    }
}

// Tokens as MessagePack.
// Before it: a FormWriting, which has checked them. After it: bytes for Redis.

/// Writes one document of MessagePack.
public struct MessagePackWriter: BufferedWriting {
    /// The rules and the form.
    public var base: FormWriter<MessagePackForm>

    /// A writer for one document.
    init(limits: Limits) { base = FormWriter(MessagePackForm(OutputBuffer()), limits: limits) }

    init(base: FormWriter<MessagePackForm>) { self.base = base }
}

/// The form of MessagePack. Every header is the smallest that holds its number; ReferenceTests hold it against libmsgpack's.
public struct MessagePackForm: BufferedForm {
    private var output: OutputBuffer

    /// Asked for once a document: a static constant that must be worked out costs a call at every look.
    private let packsText = SmallText.isKnownLayout

    init(_ output: OutputBuffer) { self.output = output }

    /// `msgpack`.
    public static var codec: String { "msgpack" }
    /// Bytes so far.
    public var size: Int { output.count }

    /// Writes nil.
    public mutating func null() { output.append(0xC0) }
    /// Writes a bool.
    public mutating func bool(_ value: Bool) { output.append(value ? 0xC3 : 0xC2) }

    /// Writes an integer in its smallest format.
    @_effects(releasenone)
    public mutating func int(_ value: Int64) {
        if value >= 0 { return uint(UInt64(bitPattern: value)) }
        let bits = UInt64(bitPattern: value)
        if value >= -32 {
            output.append(UInt8(truncatingIfNeeded: bits))
        } else if value >= -0x80 {
            put(0xD0, UInt8(truncatingIfNeeded: bits))
        } else if value >= -0x8000 {
            put(0xD1, UInt16(truncatingIfNeeded: bits))
        } else if value >= -0x8000_0000 {
            put(0xD2, UInt32(truncatingIfNeeded: bits))
        } else {
            put(0xD3, bits)
        }
    }

    /// Writes an integer in its smallest format.
    @_effects(releasenone)
    public mutating func uint(_ value: UInt64) {
        if value < 0x80 {
            output.append(UInt8(truncatingIfNeeded: value))
        } else if value <= 0xFF {
            put(0xCC, UInt8(truncatingIfNeeded: value))
        } else if value <= 0xFFFF {
            put(0xCD, UInt16(truncatingIfNeeded: value))
        } else if value <= 0xFFFF_FFFF {
            put(0xCE, UInt32(truncatingIfNeeded: value))
        } else {
            put(0xCF, value)
        }
    }

    /// Writes a float of 64 bits.
    @_effects(releasenone)
    public mutating func double(_ value: Double) { put(0xCB, value.bitPattern) }

    /// Writes str.
    @_effects(releasenone)
    public mutating func text(_ utf8: UnsafeRawBufferPointer) {
        let count = utf8.count
        output.write(upTo: count &+ 5) { place in
            var header = 1
            if count < 32 {
                place[0] = 0xA0 | UInt8(truncatingIfNeeded: count)
            } else {
                header = Self.length(count, 0xD9, 0xDA, 0xDB, at: place)
            }
            if let base = utf8.baseAddress { UnsafeMutableRawPointer(place + header).copyMemory(from: base, byteCount: count) }
            return header &+ count
        }
    }

    /// Writes str.
    @inline(__always)
    @_effects(releasenone)
    public mutating func text(_ string: String) {
        let bits = SmallText.bits(string)
        guard packsText, bits.isSmall else {
            return string.withFastUTF8 { text($0) }
        }
        output.write(upTo: 17) { place in
            let raw = UnsafeMutableRawPointer(place)
            place[0] = 0xA0 | UInt8(truncatingIfNeeded: bits.count)
            raw.storeBytes(of: bits.low, toByteOffset: 1, as: UInt64.self)
            raw.storeBytes(of: bits.high, toByteOffset: 9, as: UInt64.self)
            return bits.count &+ 1
        }
    }

    /// Writes bin.
    @_effects(releasenone)
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) {
        output.write(upTo: 5) { Self.length(bytes.count, 0xC4, 0xC5, 0xC6, at: $0) }
        output.append(bytes)
    }

    /// Writes ext.
    @_effects(releasenone)
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        switch data.count {
        case 1: output.append(0xD4)
        case 2: output.append(0xD5)
        case 4: output.append(0xD6)
        case 8: output.append(0xD7)
        case 16: output.append(0xD8)
        default: output.write(upTo: 5) { Self.length(data.count, 0xC7, 0xC8, 0xC9, at: $0) }
        }
        output.append(UInt8(bitPattern: type))
        output.append(data)
    }

    /// Opens an array.
    public mutating func beginArray(count: Int) {
        if count < 16 { return output.append(0x90 | UInt8(truncatingIfNeeded: count)) }
        if count <= 0xFFFF { put(0xDC, UInt16(truncatingIfNeeded: count)) } else { put(0xDD, UInt32(truncatingIfNeeded: count)) }
    }

    /// Nothing: the count says where an array ends.
    public mutating func endArray() {}

    /// Opens a map.
    public mutating func beginMap(count: Int) {
        if count < 16 { return output.append(0x80 | UInt8(truncatingIfNeeded: count)) }
        if count <= 0xFFFF { put(0xDE, UInt16(truncatingIfNeeded: count)) } else { put(0xDF, UInt32(truncatingIfNeeded: count)) }
    }

    /// Writes a key as str.
    @_effects(releasenone)
    public mutating func key(_ utf8: UnsafeRawBufferPointer, isOnly: Bool) { text(utf8) }

    /// Writes a key as str.
    @_effects(releasenone)
    public mutating func key(_ string: String, isOnly: Bool) { text(string) }

    /// Nothing: the count says where a map ends.
    public mutating func endMap() {}

    /// Hands out the bytes.
    public mutating func finish() -> [UInt8] { output.finish() }

    /// Writes a format byte and a number, the highest byte first.
    @inline(__always)
    private mutating func put<N: FixedWidthInteger>(_ format: UInt8, _ number: N) {
        output.write(upTo: 9) { place in
            place[0] = format
            UnsafeMutableRawPointer(place + 1).storeBytes(of: number.bigEndian, as: N.self)
            return 1 &+ N.bitWidth / 8
        }
    }

    /// Writes the header of so many bytes with the format of 8, 16 or 32 bits; hands out how long it is.
    @inline(__always)
    private static func length(
        _ count: Int, _ short: UInt8, _ medium: UInt8, _ long: UInt8, at place: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let number = UnsafeMutableRawPointer(place + 1)
        if count <= 0xFF {
            place[0] = short
            place[1] = UInt8(truncatingIfNeeded: count)
            return 2
        }
        if count <= 0xFFFF {
            place[0] = medium
            number.storeBytes(of: UInt16(truncatingIfNeeded: count).bigEndian, as: UInt16.self)
            return 3
        }
        place[0] = long
        number.storeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian, as: UInt32.self)
        return 5
    }
}

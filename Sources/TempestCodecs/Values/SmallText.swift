// Text out of checked bytes, without a second look at them.
// Called for every key and text that leaves a tape as a String.

/// Makes strings of bytes that are known to be UTF-8.
enum SmallText {
    /// The longest text that a string holds in itself.
    static let longest = 15

    /// Whether strings of up to 15 bytes are laid out as we know it: their bytes, and in the last one how many there are.
    ///
    /// The layout is no promise of the language. So it is tried out once on this very standard library; if it differs, strings
    /// are made the common way, which takes about five times as long for most keys.
    static let isKnownLayout: Bool = {
        guard MemoryLayout<String>.size == 16, MemoryLayout<Int>.size == 8, 1.littleEndian == 1 else { return false }
        let long = String(repeating: "a", count: 16)
        guard !bits(long).isSmall, !bits("a literal of more than fifteen bytes").isSmall else { return false }
        for sample in ["", "a", "tempest", "respond_to", "fifteen letters", "größe", "日本語", "\u{0}\u{7F}", "éééééé"] {
            let bytes = Array(sample.utf8)
            let isASCII = bytes.allSatisfy { $0 < 0x80 }
            let made = bytes.withUnsafeBytes { raw in
                raw.baseAddress.map { packed($0, count: raw.count, isASCII: isASCII) } ?? ""
            }
            // As bits, not as texts: what is not laid out so must not be looked at as a string.
            let copied = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            guard bits(made) == bits(copied), bits(copied).isSmall, bits(copied).count == bytes.count else { return false }
        }
        return true
    }()

    /// A string as it lies in memory. The bytes of a small one are in `low` and, from the lowest on, in `high`.
    struct Bits: Equatable {
        var low: UInt64
        var high: UInt64

        /// Whether the string holds its bytes in itself.
        @inline(__always)
        var isSmall: Bool { high & 0x2000_0000_0000_0000 != 0 }
        /// How many bytes a small string has, up to 15.
        @inline(__always)
        var count: Int { Int(truncatingIfNeeded: high >> 56) & 15 }
    }

    /// What a string is made of; to be made sense of only where ``isKnownLayout`` says so.
    @inline(__always)
    static func bits(_ string: String) -> Bits { unsafeBitCast(string, to: Bits.self) }

    /// The string of valid UTF-8. `packs`: the layout is known, and the caller has asked.
    @inline(__always)
    static func string(_ start: UnsafeRawPointer, count: Int, isASCII: Bool, packs: Bool) -> String {
        if count <= longest, packs { return packed(start, count: count, isASCII: isASCII) }
        return copied(start, count: count, isASCII: isASCII)
    }

    @inline(__always)
    private static func packed(_ start: UnsafeRawPointer, count: Int, isASCII: Bool) -> String {
        var low: UInt64 = 0
        var high = UInt64(isASCII ? 0xE0 | count : 0xA0 | count) << 56
        // Loads that overlap, so that no byte beyond the text is touched and none is gone through singly.
        if count >= 8 {
            low = start.loadUnaligned(as: UInt64.self)
            if count > 8 {
                let last = start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
                high |= last &>> UInt64(truncatingIfNeeded: 8 &* (16 &- count))
            }
        } else if count > 0 {
            low = ByteWord.load(start, count)
        }
        return unsafeBitCast(Bits(low: low, high: high), to: String.self)
    }

    @inline(never)
    private static func copied(_ start: UnsafeRawPointer, count: Int, isASCII: Bool) -> String {
        let bytes = UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: count)
        return String(copying: UTF8Span(unchecked: bytes.span, isKnownASCII: isASCII))
    }
}

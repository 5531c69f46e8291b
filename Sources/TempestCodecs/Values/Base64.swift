// Canonical base64 (RFC 4648, section 4): padded, no white space, unused bits zero.
// Binary in JSON stands on it.

/// Base64 in its one canonical form.
package enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    /// The worth of every letter; 0xFF: none.
    private static let digits: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for value in 0..<64 { table[Int(alphabet.utf8Start[value])] = UInt8(value) }
        return table
    }()

    /// How long the base64 of so many bytes is.
    package static func count(of bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// Writes the base64 of bytes; hands out how long it is.
    package static func encode(_ bytes: UnsafeRawBufferPointer, to start: UnsafeMutablePointer<UInt8>) -> Int {
        let letters = alphabet.utf8Start
        var place = start
        var index = 0
        while index + 3 <= bytes.count {
            let bits = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            place[0] = letters[bits >> 18]
            place[1] = letters[bits >> 12 & 63]
            place[2] = letters[bits >> 6 & 63]
            place[3] = letters[bits & 63]
            place += 4
            index += 3
        }
        let left = bytes.count - index
        guard left > 0 else { return place - start }
        let bits = Int(bytes[index]) << 8 | (left == 2 ? Int(bytes[index + 1]) : 0)
        place[0] = letters[bits >> 10]
        place[1] = letters[bits >> 4 & 63]
        place[2] = left == 2 ? letters[bits << 2 & 63] : UInt8(ascii: "=")
        place[3] = UInt8(ascii: "=")
        return place + 4 - start
    }

    /// The bytes of canonical base64; nil for anything else.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard text.count > 0 else { return [] }
        let padding = text[text.count - 1] != UInt8(ascii: "=") ? 0 : text[text.count - 2] != UInt8(ascii: "=") ? 1 : 2
        let count = text.count / 4 * 3 - padding
        var isCanonical = true
        let output = [UInt8](unsafeUninitializedCapacity: count) { output, written in
            digits.withUnsafeBufferPointer { digits in
                var place = 0
                // What is no letter sets bits that none of the letters has.
                var seen: UInt32 = 0
                let whole = padding == 0 ? text.count : text.count - 4
                var index = 0
                while index < whole {
                    let (a, b) = (UInt32(digits[Int(text[index])]), UInt32(digits[Int(text[index + 1])]))
                    let (c, d) = (UInt32(digits[Int(text[index + 2])]), UInt32(digits[Int(text[index + 3])]))
                    seen |= a | b | c | d
                    let bits = a << 18 | b << 12 | c << 6 | d
                    output[place] = UInt8(truncatingIfNeeded: bits >> 16)
                    output[place + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                    output[place + 2] = UInt8(truncatingIfNeeded: bits)
                    place += 3
                    index += 4
                }
                if padding > 0 {
                    let (a, b) = (UInt32(digits[Int(text[index])]), UInt32(digits[Int(text[index + 1])]))
                    let c = padding == 1 ? UInt32(digits[Int(text[index + 2])]) : 0
                    seen |= a | b | c
                    let bits = a << 10 | b << 4 | c >> 2
                    // The bits after the last byte are zero in the one form that is canonical.
                    if (padding == 1 ? c & 0b11 : b & 0b1111) != 0 { isCanonical = false }
                    output[place] = UInt8(truncatingIfNeeded: bits >> 8)
                    if padding == 1 { output[place + 1] = UInt8(truncatingIfNeeded: bits) }
                }
                if seen > 63 { isCanonical = false }
            }
            written = count
        }
        return isCanonical ? output : nil
    }
}

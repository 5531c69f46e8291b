// Random identifiers: of jobs, inboxes and processes. Text, never numbers: a 128-bit number survives no JSON reader.

package enum Identifier {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// 128 random bits as 26 characters of Crockford's base 32, in lower case.
    package static func random() -> String {
        text(RandomBits.next())
    }

    /// A ULID: 48 bits of milliseconds since 1970, then 80 random bits; sorts by time.
    package static func ulid() -> String {
        text(UInt128(WallClock.milliseconds()) << 80 | RandomBits.next() >> 48).uppercased()
    }

    private static func text(_ bits: UInt128) -> String {
        String(unsafeUninitializedCapacity: 26) { buffer in
            var rest = bits
            for place in stride(from: 25, through: 0, by: -1) {
                buffer[place] = alphabet[Int(truncatingIfNeeded: rest & 31)]
                rest >>= 5
            }
            return 26
        }
    }
}

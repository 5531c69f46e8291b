// The names of sessions and uploads: random enough to be the only right that is needed. Made by a front; read from cookies, jobs and
// URLs, where everything but the shape is unknown until Redis or the folder was asked.

/// 256 random bits as 43 characters of base64url, without padding. Never a path, never a pattern, never anything but itself.
package struct RandomToken: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The 43 characters: a secret, for cookies, keys and file names, never for logs.
    package let text: String

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// A fresh one, from the system's generator.
    package init() {
        var generator = SystemRandomNumberGenerator()
        self.text = String(unsafeUninitializedCapacity: 43) { buffer in
            var place = 0
            // Four numbers give ten letters of six bits each, a fifth one the rest; the last letter has four bits and two zeros.
            for _ in 0..<4 {
                var bits: UInt64 = generator.next()
                for _ in 0..<10 {
                    buffer[place] = Self.alphabet[Int(truncatingIfNeeded: bits & 63)]
                    bits >>= 6
                    place += 1
                }
            }
            let bits: UInt64 = generator.next()
            buffer[40] = Self.alphabet[Int(truncatingIfNeeded: bits & 63)]
            buffer[41] = Self.alphabet[Int(truncatingIfNeeded: bits >> 6 & 63)]
            buffer[42] = Self.alphabet[Int(truncatingIfNeeded: bits >> 12 & 15) << 2]
            return 43
        }
    }

    /// From outside; nil if it is not of the shape.
    package init?(_ text: String) {
        guard Self.isToken(text) else { return nil }
        self.text = text
    }

    /// Whether text has the shape: 43 characters of the alphabet.
    package static func isToken(_ text: some StringProtocol) -> Bool {
        let letters = text.utf8
        return letters.count == 43
            && letters.allSatisfy { letter in
                switch letter {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The first six characters: enough to find it in a log, too few to use it.
    package var description: String { text.prefix(6) + "…" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["token": description]) }
}

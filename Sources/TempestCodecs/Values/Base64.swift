// Canonical base64 (RFC 4648, section 4): padded, no white space, unused bits zero.
// Binary in JSON stands on it.

/// Base64 in its one canonical form.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let digits: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
        return table
    }()

    /// Appends the base64 of bytes.
    static func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
        alphabet.withUnsafeBufferPointer { letters in
            var index = 0
            while index + 3 <= bytes.count {
                let bits = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
                output.append(letters[bits >> 18])
                output.append(letters[bits >> 12 & 63])
                output.append(letters[bits >> 6 & 63])
                output.append(letters[bits & 63])
                index += 3
            }
            if bytes.count - index == 1 {
                let bits = Int(bytes[index])
                output.append(letters[bits >> 2])
                output.append(letters[bits << 4 & 63])
                output.append(0x3D)
                output.append(0x3D)
            } else if bytes.count - index == 2 {
                let bits = Int(bytes[index]) << 8 | Int(bytes[index + 1])
                output.append(letters[bits >> 10])
                output.append(letters[bits >> 4 & 63])
                output.append(letters[bits << 2 & 63])
                output.append(0x3D)
            }
        }
    }

    /// The bytes of canonical base64; nil for anything else.
    static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard text.count > 0 else { return [] }
        let padding = text[text.count - 1] != 0x3D ? 0 : text[text.count - 2] != 0x3D ? 1 : 2
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        let isValid = digits.withUnsafeBufferPointer { digits in
            for index in 0..<text.count - padding {
                let digit = digits[Int(text[index])]
                guard digit != 0xFF else { return false }
                bits = bits << 6 | UInt32(digit)
                if index & 3 == 3 {
                    output.append(UInt8(truncatingIfNeeded: bits >> 16))
                    output.append(UInt8(truncatingIfNeeded: bits >> 8))
                    output.append(UInt8(truncatingIfNeeded: bits))
                    bits = 0
                }
            }
            return true
        }
        guard isValid else { return nil }
        switch padding {
        case 1:
            guard bits & 0b11 == 0 else { return nil }
            output.append(UInt8(truncatingIfNeeded: bits >> 10))
            output.append(UInt8(truncatingIfNeeded: bits >> 2))
        case 2:
            guard bits & 0b1111 == 0 else { return nil }
            output.append(UInt8(truncatingIfNeeded: bits >> 4))
        default: break
        }
        return output
    }
}

// Text as JSON quotes it: the few escapes that must be, in their shortest form.
// Used by the JSON writer and where values are printed.

/// Quoting of text in JSON.
enum JSONText {
    /// For every ASCII byte: 0 = as it is, 1 = `\u00XX`, else the letter after the backslash.
    private static let escapes: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 256)
        for byte in 0..<32 { table[byte] = 1 }
        for (byte, letter) in [(8, "b"), (9, "t"), (10, "n"), (12, "f"), (13, "r"), (34, "\""), (92, "\\")] {
            table[byte] = letter.utf8.first ?? 0
        }
        return table
    }()

    /// Appends valid UTF-8 between quotation marks.
    static func append(_ utf8: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var start = 0
        var position = 0
        let end = utf8.count
        while position < end {
            if position + 8 <= end {
                let word = utf8.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                if JSONScan.special(word) == 0 {
                    position += 8
                    continue
                }
            }
            let byte = utf8[position]
            if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                position += 1
                continue
            }
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: utf8[start..<position]))
            appendEscape(byte, to: &output)
            position += 1
            start = position
        }
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: utf8[start..<end]))
        output.append(UInt8(ascii: "\""))
    }

    /// The text between quotation marks.
    static func quoted(_ text: String) -> String {
        var text = text
        var output: [UInt8] = []
        text.withUTF8 { append(UnsafeRawBufferPointer($0), to: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        let letter = escapes[Int(byte)]
        if letter != 1 {
            output.append(letter)
            return
        }
        output.append(contentsOf: "u00".utf8)
        for digit in [byte >> 4, byte & 15] { output.append(digit < 10 ? 48 + digit : 87 + digit) }
    }
}

/// Looking at eight bytes of text at a step.
enum JSONScan {
    /// The high bit of every byte that is a quotation mark, a backslash or a control character (bytes after the first such one may
    /// be marked wrongly); bytes of 0x80 and more are not.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let control = (word &- ones &* 0x20) & ~word
        return (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | control) & high
    }
}

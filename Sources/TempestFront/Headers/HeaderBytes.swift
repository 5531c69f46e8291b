// Values of headers are bytes (RFC 9110, 5.5), and the libraries below and above keep them as text in UTF-8. What is not UTF-8 goes
// through them as characters of the private use area that stand for bytes.

import NIOHPACK

/// Header values as text from which each byte can be had again.
///
/// A value that is UTF-8 is its text. In any other one, and in one with a character that would be taken for such a byte, each byte
/// from 0x80 on becomes the character U+F700 and the byte.
enum HeaderBytes {
    /// The first two bytes in UTF-8 of the characters U+F780 to U+F7FF.
    private static let marks: (first: UInt8, low: UInt8, high: UInt8) = (0xEF, 0x9E, 0x9F)

    /// Whether a value needs to be escaped.
    static func needsEscape(_ bytes: some Collection<UInt8>) -> Bool {
        var isASCII = true
        for byte in bytes where byte >= 0x80 {
            isASCII = false
            break
        }
        if isASCII { return false }
        guard let text = String(validating: bytes, as: UTF8.self) else { return true }
        return isEscaped(text)
    }

    static func escape(_ bytes: some Collection<UInt8>) -> String {
        guard needsEscape(bytes) else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: escaped(bytes), as: UTF8.self)
    }

    /// The UTF-8 of the escaped text.
    static func escaped(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            if byte < 0x80 {
                result.append(byte)
            } else {
                result += [marks.first, byte < 0xC0 ? marks.low : marks.high, byte & 0x3F | 0x80]
            }
        }
        return result
    }

    /// Whether characters that stand for bytes are in a text.
    static func isEscaped(_ text: String) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { isEscaped(UnsafeRawBufferPointer($0)) } ?? isEscapedSlowly(text)
    }

    private static func isEscapedSlowly(_ text: String) -> Bool {
        text.unicodeScalars.contains { (0xF780...0xF7FF).contains($0.value) }
    }

    static func isEscaped(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 2 < bytes.count {
            if bytes[place] == marks.first, bytes[place + 1] == marks.low || bytes[place + 1] == marks.high { return true }
            place += 1
        }
        return false
    }

    /// The bytes that an escaped text, in UTF-8, stands for.
    static func unescaped(_ text: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            if byte == marks.first, let second = rest.first, second == marks.low || second == marks.high,
                let third = rest.dropFirst().first
            {
                result.append(third & 0x3F | (second == marks.low ? 0x80 : 0xC0))
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// The text of an escaped value: what its bytes are in UTF-8 or, if they are not UTF-8, in ISO-8859-1.
    static func text(_ escaped: String) -> (text: String, isLatin1: Bool) {
        let bytes = unescaped(escaped.utf8)
        if let text = String(validating: bytes, as: UTF8.self) { return (text, false) }
        return (String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })), true)
    }

    /// The same of a value that may not be there, for people to read.
    static func plain(_ value: String?) -> String? { value.map { isEscaped($0) ? text($0).text : $0 } }

    /// Headers of HTTP/2 as they come, with characters that would be taken for bytes as such. Nil: there are none.
    static func escaped(_ headers: HPACKHeaders) -> HPACKHeaders? {
        guard headers.contains(where: { isEscaped($0.value) }) else { return nil }
        return HPACKHeaders(headers.map { name, value, _ in (name, escape(value.utf8)) })
    }

    /// Headers of HTTP/2, whose values the library has as text alone: bytes that are not UTF-8 go out as the UTF-8 of their characters in
    /// ISO-8859-1. Nil: there are none.
    static func text(_ headers: HPACKHeaders) -> HPACKHeaders? {
        guard headers.contains(where: { isEscaped($0.value) }) else { return nil }
        return HPACKHeaders(headers.map { name, value, _ in (name, text(value).text) })
    }
}

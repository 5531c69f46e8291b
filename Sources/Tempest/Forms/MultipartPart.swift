// The head of one part of a form: what a field is called, and whether it is a file.

/// What a part's headers say, in bytes as they came. All of it comes from the browser.
package struct MultipartPart: Sendable, Hashable {
    /// The field; nil when the part has no name.
    package var name: [UInt8]?
    /// What the browser calls the file; nil when the part is not a file, empty when no file was chosen.
    package var filename: [UInt8]?
    /// The content type; nil when there is none.
    package var type: [UInt8]?
    /// All header lines, when they say more than the three above, or say it otherwise than ``plainHead(name:filename:type:)``.
    package var head: [UInt8]?

    package init(name: [UInt8]? = nil, filename: [UInt8]? = nil, type: [UInt8]? = nil, head: [UInt8]? = nil) {
        (self.name, self.filename, self.type, self.head) = (name, filename, type, head)
    }

    /// Reads the lines of a head, without the empty one at its end.
    package init(_ head: [UInt8]) throws(FormError) {
        var disposition: HeaderParameters?
        for line in Self.lines(head) {
            guard let (name, value) = Self.field(line) else {
                throw FormError(.malformed, "a part of the form has a line in its head that is not a header")
            }
            switch name {
            case "content-disposition":
                guard disposition == nil, let read = HeaderParameters(value), read.word == "form-data" else {
                    throw FormError(.malformed, "a part of the form has no content-disposition of form-data, or several")
                }
                disposition = read
            case "content-type":
                guard type == nil else { throw FormError(.malformed, "a part of the form has several content types") }
                type = Array(value)
            case "content-transfer-encoding":
                // RFC 7578 does away with it, and browsers send none: content that would have to be decoded is not taken as it
                // is.
                guard ["7bit", "8bit", "binary"].contains(String(decoding: value, as: UTF8.self).lowercased()) else {
                    throw FormError(.malformed, "a part of the form has a content-transfer-encoding: send it as it is")
                }
            default: break
            }
        }
        guard let disposition else { throw FormError(.malformed, "a part of the form has no content-disposition") }
        (name, filename) = (disposition["name"], disposition["filename"])
        if filename == nil, let type, String(decoding: type, as: UTF8.self).lowercased().hasPrefix("multipart/") {
            throw FormError(.malformed, "a part of the form is a multipart of its own: send each file as a part (RFC 7578)")
        }
        if head != Self.plainHead(name: name, filename: filename, type: type) { self.head = head }
    }

    /// The lines that browsers write for a part: what a head is made of when a form is put together again.
    package static func plainHead(name: [UInt8]?, filename: [UInt8]?, type: [UInt8]?) -> [UInt8] {
        var head = Array("Content-Disposition: form-data".utf8)
        for (key, value) in [("name", name), ("filename", filename)] {
            guard let value else { continue }
            head += Array("; \(key)=\"".utf8)
            for byte in value {
                switch byte {
                case 0x0D: head += Array("%0D".utf8)
                case 0x0A: head += Array("%0A".utf8)
                case UInt8(ascii: "\""): head += Array("%22".utf8)
                default: head.append(byte)
                }
            }
            head.append(UInt8(ascii: "\""))
        }
        if let type { head += Array("\r\nContent-Type: ".utf8) + type }
        return head
    }

    /// Split at CRLF. A CR or an LF alone stays in its line, which is then refused.
    private static func lines(_ head: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index + 1 < head.count {
            if head[index] == 0x0D, head[index + 1] == 0x0A {
                lines.append(head[start..<index])
                index += 2
                start = index
            } else {
                index += 1
            }
        }
        if start < head.count { lines.append(head[start...]) }
        return lines
    }

    /// Name in lower case, and value. Nil for a line that begins with a space (a folded one), has no colon or a name that is not a
    /// token, or has control characters.
    private static func field(_ line: ArraySlice<UInt8>) -> (String, ArraySlice<UInt8>)? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { return nil }
        let name = line[..<colon]
        guard
            name.allSatisfy({ letter in
                switch letter {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else { return nil }
        var value = line[(colon + 1)...]
        while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { return nil }
        return (String(decoding: name, as: UTF8.self).lowercased(), value)
    }
}

// The head of one part of a form: what a field is called, and whether it is a file. Read by MultipartReader from the lines before
// the part's content; used by the intake, which decides where the content goes.

/// What a part's headers say. All of it comes from the browser.
struct MultipartPart: Sendable, Equatable {
    /// The field.
    var name: String
    /// What the browser calls the file; nil when the part is no file.
    var filename: String?
    /// The content type, as it was written; nil when there is none, or one that is longer than 255 bytes or has other characters
    /// than printable ones of ASCII.
    var type: String?

    /// Reads the lines of a head, without the empty one at its end.
    init(_ head: [UInt8]) throws(UploadRefusal) {
        var disposition: HeaderParameters?
        var type: String?
        for line in Self.lines(head) {
            guard let (name, value) = Self.field(line) else {
                throw UploadRefusal(.malformed, "a part of the form has a header line that is none")
            }
            switch name {
            case "content-disposition":
                guard disposition == nil, let read = HeaderParameters(value), read.word == "form-data" else {
                    throw UploadRefusal(.malformed, "a part of the form has no content-disposition of form-data, or several")
                }
                disposition = read
            case "content-type":
                guard type == nil else { throw UploadRefusal(.malformed, "a part of the form has several content types") }
                type = value
            case "content-transfer-encoding":
                // RFC 7578 does away with it, and browsers send none: content that would have to be decoded is not taken as it
                // is.
                guard ["7bit", "8bit", "binary"].contains(value.lowercased()) else {
                    throw UploadRefusal(.malformed, "a part of the form has a content-transfer-encoding: send it as it is")
                }
            default: break
            }
        }
        guard let disposition, let name = disposition.parameters["name"] else {
            throw UploadRefusal(.malformed, "a part of the form has no content-disposition with a name")
        }
        (self.name, self.filename) = (name, disposition.parameters["filename"])
        if filename == nil, type?.lowercased().hasPrefix("multipart/") == true {
            throw UploadRefusal(.malformed, "a part of the form is a multipart of its own: send each file as a part (RFC 7578)")
        }
        self.type = type.flatMap { $0.utf8.count <= 255 && $0.utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? $0 : nil }
    }

    /// Split at CRLF. A CR or an LF alone stays in its line, which is then none.
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

    /// Name in lower case, and value. Nil for a line that begins with a space (a folded one), has no colon or a name that is no
    /// token, has control characters, or is not UTF-8.
    private static func field(_ line: ArraySlice<UInt8>) -> (String, String)? {
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
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }), let text = String(validating: value, as: UTF8.self)
        else { return nil }
        return (String(decoding: name, as: UTF8.self).lowercased(), text)
    }
}

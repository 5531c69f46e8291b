// Where in the folder the path of a request leads, and how it is written again in a redirect.

/// The path of a file below a folder. It cannot lead out of it: dots are followed here, before the file system sees them.
struct FilePath: Sendable {
    /// Names of folders and of a file, without percent-encoding: bytes, because file systems know no characters.
    private(set) var segments: [ArraySlice<UInt8>] = []
    /// Whether it names a folder.
    let endsWithSlash: Bool

    /// - Parameter path: as it was sent, without the query. nil for one that climbs above `/`, or has a bad percent-encoding or a control
    ///   character in it.
    init?(_ path: Substring) {
        guard let decoded = RequestPath.decoded(path.utf8) else { return nil }
        for segment in decoded.split(separator: UInt8(ascii: "/")) {
            if segment.elementsEqual(".".utf8) { continue }
            if segment.elementsEqual("..".utf8) {
                guard segments.popLast() != nil else { return nil }
            } else {
                segments.append(segment)
            }
        }
        endsWithSlash = segments.isEmpty || decoded.last == UInt8(ascii: "/")
    }

    /// Whether it is meant to be seen: `.git`, `.env` and their like are not, `.well-known` is.
    var isVisible: Bool {
        !segments.contains { $0.first == UInt8(ascii: ".") && !$0.elementsEqual(".well-known".utf8) }
    }

    /// Whether its last name looks like a file's and not like a page's.
    var hasExtension: Bool { segments.last?.contains(UInt8(ascii: ".")) ?? false }

    /// From `/` on.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for segment in segments { bytes += [UInt8(ascii: "/")] + segment }
        if endsWithSlash { bytes.append(UInt8(ascii: "/")) }
        return bytes
    }

    /// With percent-encoding, as a `Location` has it. It begins with one slash, so that it never names another host.
    var encoded: String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            if Self.isPlain(byte) {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// RFC 3986, section 3.3.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/-._~!$&'()*+,;=:@".utf8.contains(byte)
        }
    }
}

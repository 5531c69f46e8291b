// The value of a header with parameters, such as `form-data; name="a"`, read as bytes.

/// A word, and parameters.
package struct HeaderParameters: Sendable {
    /// The word before the first semicolon, in lower case.
    package let word: String
    /// Names in lower case; `name*` and the pieces `name*0`, `name*1` of RFC 2231 are under `name`.
    private let parameters: [String: [UInt8]]

    package subscript(name: String) -> [UInt8]? { parameters[name] }

    /// Nil for what does not follow the grammar, and for a parameter that is there twice: two readers could take two meanings from it.
    ///
    /// In quotation marks a backslash escapes. Browsers write it as it is, so a value that cannot be read this way is read theirs: a file
    /// name may end in one.
    package init?(_ text: some Sequence<UInt8>) {
        let text = Array(text)
        guard let read = Self(text, escapes: true) ?? Self(text, escapes: false) else { return nil }
        self = read
    }

    private init?(_ text: [UInt8], escapes: Bool) {
        var rest = text[...]
        guard let word = Self.token(&rest, "/") else { return nil }
        var parameters: [String: [UInt8]] = [:]
        var seen: Set<String> = []
        var charset: Charset?
        while true {
            Self.skipSpace(&rest)
            guard !rest.isEmpty else { break }
            guard rest.removeFirst() == UInt8(ascii: ";") else { return nil }
            Self.skipSpace(&rest)
            // Browsers end a list with nothing, some programs with a semicolon.
            if rest.isEmpty { break }
            guard var key = Self.token(&rest, "")?.lowercased(), rest.first == UInt8(ascii: "=") else { return nil }
            rest.removeFirst()
            guard seen.insert(key).inserted else { return nil }
            guard
                var value = rest.first == UInt8(ascii: "\"")
                    ? Self.quoted(&rest, escapes) : Self.token(&rest, "/:?()@,=[]").map({ Array($0.utf8) })
            else { return nil }
            if key.hasSuffix("*") {
                key.removeLast()
                value = Self.extended(value, &charset)
            }
            if key.contains("*"), let piece = key.wholeMatch(of: /(.+)\*\d+/) {
                parameters[String(piece.1), default: []] += value
            } else {
                parameters[key] = value
            }
        }
        (self.word, self.parameters) = (word.lowercased(), parameters)
    }

    /// A token of RFC 9110, and the characters that some programs leave unquoted.
    private static func token(_ rest: inout ArraySlice<UInt8>, _ more: String) -> String? {
        let token = rest.prefix { letter in
            switch letter {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(letter) || more.utf8.contains(letter)
            }
        }
        rest = rest[token.endIndex...]
        return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
    }

    /// Between quotation marks. A backslash that escapes is dropped before a quotation mark or another backslash; elsewhere it is kept, as
    /// in the paths that old browsers send. `%22` is a quotation mark: browsers of today write one so.
    private static func quoted(_ rest: inout ArraySlice<UInt8>, _ escapes: Bool) -> [UInt8]? {
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let letter = rest.popFirst() {
            switch letter {
            case UInt8(ascii: "\""): return bytes
            case UInt8(ascii: "\\") where escapes && (rest.first == UInt8(ascii: "\"") || rest.first == UInt8(ascii: "\\")):
                if let next = rest.popFirst() { bytes.append(next) }
            case UInt8(ascii: "%") where rest.starts(with: "22".utf8):
                rest.removeFirst(2)
                bytes.append(UInt8(ascii: "\""))
            case 0..<0x09, 0x0A..<0x20, 0x7F: return nil
            default: bytes.append(letter)
            }
        }
        return nil
    }

    private enum Charset: Equatable { case utf8, latin1 }

    /// The value of `name*`, such as `UTF-8''%e2%82%ac` (RFC 8187): the bytes of its text in UTF-8. Without a charset the last one
    /// holds. A charset that is not known leaves the percent signs as they are.
    private static func extended(_ value: [UInt8], _ charset: inout Charset?) -> [UInt8] {
        let parts = value.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        var (named, text) = (charset, value[...])
        if parts.count == 3 {
            text = parts[2]
            switch String(decoding: parts[0], as: UTF8.self).lowercased() {
            case "": break
            case "utf-8", "us-ascii", "ascii": named = .utf8
            case "iso-8859-1": named = .latin1
            default: return Array(text)
            }
        }
        guard let named else { return Array(text) }
        charset = named
        let bytes = PercentCoding.decode(text)
        return named == .utf8 ? bytes : Array(String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })).utf8)
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        while let letter = rest.first, letter == 0x20 || letter == 0x09 { rest.removeFirst() }
    }
}

// What a Content-Type says of a form: its boundary. The first thing that is read of a multipart request; MultipartReader goes on.

/// The values of HTTP's structured headers such as `form-data; name="a"`: a word, and parameters.
struct HeaderParameters: Sendable {
    /// The word before the first semicolon, in lower case.
    let word: String
    /// Names in lower case.
    let parameters: [String: String]

    /// Nil for what follows no grammar, and for a parameter that is there twice: two readers could take two meanings from it.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard let word = Self.token(&rest, "/") else { return nil }
        var parameters: [String: String] = [:]
        while true {
            Self.skipSpace(&rest)
            guard !rest.isEmpty else { break }
            guard rest.removeFirst() == UInt8(ascii: ";") else { return nil }
            Self.skipSpace(&rest)
            // Browsers end a list with nothing, some programs with a semicolon.
            if rest.isEmpty { break }
            guard let name = Self.token(&rest, ""), rest.first == UInt8(ascii: "=") else { return nil }
            rest.removeFirst()
            guard let value = rest.first == UInt8(ascii: "\"") ? Self.quoted(&rest) : Self.token(&rest, "/:?()@,=[]") else {
                return nil
            }
            guard parameters.updateValue(value, forKey: name.lowercased()) == nil else { return nil }
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

    /// Between quotation marks. A backslash goes before a quotation mark or another backslash; elsewhere it is one, as in the
    /// paths that old browsers send. `%22` stays what it is: browsers write a mark so, but a percent sign as it is.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let letter = rest.popFirst() {
            switch letter {
            case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
            case UInt8(ascii: "\\") where rest.first == UInt8(ascii: "\"") || rest.first == UInt8(ascii: "\\"):
                if let next = rest.popFirst() { bytes.append(next) }
            case 0..<0x09, 0x0A..<0x20, 0x7F: return nil
            default: bytes.append(letter)
            }
        }
        return nil
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        while let letter = rest.first, letter == 0x20 || letter == 0x09 { rest.removeFirst() }
    }
}

/// The boundary of a form.
enum MultipartBoundary {
    /// The boundary of `multipart/form-data`; nil when the content is something else.
    ///
    /// - Throws: `.malformed` for a form whose boundary is missing, or is not 1 to 70 characters of those that RFC 2046 allows.
    static func read(contentType: String?) throws(UploadRefusal) -> [UInt8]? {
        guard let contentType else { return nil }
        let word = contentType.prefix { $0 != ";" && $0 != " " && $0 != "\t" }.lowercased()
        guard word == "multipart/form-data" else { return nil }
        guard let boundary = HeaderParameters(contentType)?.parameters["boundary"].map({ Array($0.utf8) }),
            (1...70).contains(boundary.count), boundary.last != 0x20, boundary.allSatisfy(isAllowed)
        else {
            throw UploadRefusal(
                .malformed, "the form's content type has no boundary of 1 to 70 characters as RFC 2046 allows them")
        }
        return boundary
    }

    private static func isAllowed(_ letter: UInt8) -> Bool {
        switch letter {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "'()+_,-./:=? ".utf8.contains(letter)
        }
    }
}

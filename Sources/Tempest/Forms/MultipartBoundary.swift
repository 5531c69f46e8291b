// The boundary that a content type names: the first thing that is read of a multipart form.

/// The boundary of a form.
package enum MultipartBoundary {
    /// The boundary of `multipart/form-data`; nil when the content is something else.
    ///
    /// - Throws: `.malformed` for a form whose boundary is missing, or is not 1 to 70 characters of those that RFC 2046 allows.
    package static func read(contentType: String?) throws(FormError) -> [UInt8]? {
        guard let contentType, MediaType.name(contentType) == "multipart/form-data" else { return nil }
        guard let boundary = HeaderParameters(contentType.utf8)?["boundary"], (1...70).contains(boundary.count),
            boundary.last != 0x20, boundary.allSatisfy(isAllowed)
        else {
            throw FormError(.malformed, "the form's content type has no boundary of 1 to 70 characters as RFC 2046 allows them")
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

/// What a content type names.
package enum MediaType {
    /// In lower case, without parameters.
    package static func name(_ contentType: String) -> String {
        contentType.prefix { $0 != ";" && $0 != " " && $0 != "\t" }.lowercased()
    }
}

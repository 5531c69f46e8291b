// Files that were compressed beforehand and lie beside the file: which of them a client takes (RFC 9110, section 12.5.3).

/// A coding of content that files beside a file are found in.
enum ContentCoding: String, CaseIterable, Sendable {
    case brotli = "br"
    case gzip

    /// Of the file beside the file.
    var suffix: String {
        switch self {
        case .brotli: ".br"
        case .gzip: ".gz"
        }
    }

    /// The best that the client takes of those that are there; nil: the file itself.
    ///
    /// - Parameter header: `Accept-Encoding`; nil: there is none, and the client gets the file itself.
    static func choose(_ header: String?, of available: [ContentCoding]) -> ContentCoding? {
        guard let header, !available.isEmpty else { return nil }
        let list = QualityList(header)
        let rest = list.weight(of: "*")
        // Whoever names a coding without a word on `identity` would rather have the coding.
        let identity = list.weight(of: "identity") ?? 0
        var best: (coding: ContentCoding, weight: Int)?
        for coding in available {
            let named = coding == .gzip ? list.weight(of: "gzip", "x-gzip") : list.weight(of: coding.rawValue)
            let weight = named ?? rest ?? 0
            if weight > 0, weight >= identity, weight > best?.weight ?? 0 { best = (coding, weight) }
        }
        return best?.coding
    }
}

// A URL that is relative to another, as the one that it stands for.

/// Resolves references as RFC 3986, section 5.2, has it.
enum URLText {
    static func resolve(_ reference: String, _ base: String) -> String {
        let (reference, base) = (Parts(reference), Parts(base))
        var target = reference
        target.path = removingDots(reference.path)
        if reference.scheme == nil {
            target.scheme = base.scheme
            if reference.authority == nil {
                target.authority = base.authority
                if reference.path.isEmpty {
                    (target.path, target.query) = (base.path, reference.query ?? base.query)
                } else if !reference.path.hasPrefix("/") {
                    target.path = removingDots(merge(reference.path, base))
                }
            }
        }
        return target.text
    }

    /// `scheme://authority/path?query#fragment`
    private struct Parts {
        var scheme: Substring?
        var authority: Substring?
        var path: String
        var query: Substring?
        var fragment: Substring?

        init(_ text: String) {
            var rest = text[...]
            if let mark = rest.firstIndex(of: "#") { (fragment, rest) = (rest[mark...].dropFirst(), rest[..<mark]) }
            if let mark = rest.firstIndex(of: "?") { (query, rest) = (rest[mark...].dropFirst(), rest[..<mark]) }
            if let mark = rest.firstIndex(of: ":"), !rest[..<mark].isEmpty, !rest[..<mark].contains("/") {
                (scheme, rest) = (rest[..<mark], rest[mark...].dropFirst())
            }
            if rest.hasPrefix("//") {
                let name = rest.dropFirst(2).prefix { $0 != "/" }
                (authority, rest) = (name, rest.dropFirst(2 + name.count))
            }
            path = String(rest)
        }

        var text: String {
            (scheme.map { "\($0):" } ?? "") + (authority.map { "//\($0)" } ?? "") + path + (query.map { "?\($0)" } ?? "")
                + (fragment.map { "#\($0)" } ?? "")
        }
    }

    private static func merge(_ path: String, _ base: Parts) -> String {
        if base.authority != nil, base.path.isEmpty { return "/\(path)" }
        guard let slash = base.path.lastIndex(of: "/") else { return path }
        return base.path[...slash] + path
    }

    private static func removingDots(_ path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        var kept: [Substring] = []
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            switch part {
            case ".": if isLast { kept.append("") }
            case "..":
                if kept.count > 1 || (kept.count == 1 && kept[0] != "") { kept.removeLast() }
                if isLast { kept.append("") }
            default: kept.append(part)
            }
        }
        return kept.joined(separator: "/")
    }
}

// An origin of pages as browsers name it in `Origin`: what is written in another way would never match.

enum PageOrigin {
    /// What is wrong with it and what to write; nil: browsers name some page's origin so.
    static func problem(_ text: String) -> String? {
        guard !text.contains("@") else { return "an origin has no user and no password: write such as https://example.com" }
        let shown = text.prefix(80).debugDescription
        if text == "null" { return "\(shown) stands for pages of no known origin, and would let in anybody's" }
        if text.contains("*") { return "\(shown): origins have no wildcards; name each, such as https://example.com" }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"), isScheme(text[..<colon]) else {
            return "\(shown) is not an origin: scheme and host, such as https://example.com, no path"
        }
        let (scheme, authority) = (text[..<colon], text[text.index(colon, offsetBy: 3)...])
        let (host, port) = split(authority)
        guard isHost(host) else {
            return "\(shown) is not an origin: scheme and host in lower case and ASCII, such as https://example.com, no path"
        }
        guard let port else { return nil }
        guard let number = UInt16(port), number > 0, "\(number)" == port else {
            return "\(shown): the port is not a number from 1 to 65535"
        }
        guard number != (scheme == "https" ? 443 : scheme == "http" ? 80 : 0) else {
            return "\(shown): browsers leave out this port; write \(scheme)://\(host)"
        }
        return nil
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
    }

    private static func split(_ authority: Substring) -> (host: Substring, port: Substring?) {
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else { return (authority, nil) }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }

    private static func isHost(_ text: Substring) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            return text.count > 2
                && text.dropFirst().dropLast().utf8.allSatisfy {
                    isDigit($0) || ("a"..."f").contains(Character(UnicodeScalar($0))) || $0 == UInt8(ascii: ":")
                        || $0 == UInt8(ascii: ".")
                }
        }
        return !text.isEmpty && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "-._".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

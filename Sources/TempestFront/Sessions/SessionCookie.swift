// The cookie that names a browser's session: found in a request, taken out of what workers see, and written into an answer.
// Between Sessions and the headers.

import HTTPTypes
import TempestProtocol

/// Reads, removes and writes one cookie of one name.
struct SessionCookie: Sendable {
    let rules: SessionRules

    /// Browsers give a cookie of the prefix `__Host-` only to the host that set it, over TLS, and let no other host set it.
    static let secureName = "__Host-tempest"
    static let insecureName = "tempest"

    var name: String { rules.isInsecure ? Self.insecureName : Self.secureName }

    /// The id that a request names. None, if it names none, one that is none, or several: then somebody else set one of them.
    func id(in headers: HTTPFields) -> RandomToken? {
        var found: Substring?
        for line in headers[values: .cookie] {
            for pair in line.split(separator: ";") {
                let (name, value) = Self.parts(pair)
                guard name == self.name else { continue }
                guard found == nil || found == value else { return nil }
                found = value
            }
        }
        return found.flatMap { RandomToken(String($0)) }
    }

    /// Takes the cookie out of headers that workers are to see, and leaves the others as they are. Where cookies are insecure,
    /// the secure one goes too: it belongs to another front of this host.
    func remove(from headers: inout HTTPFields) {
        let lines = headers[values: .cookie]
        guard !lines.isEmpty else { return }
        headers[values: .cookie] = lines.compactMap { line in
            let rest = line.split(separator: ";").filter { !isOurs(Self.parts($0).name) }
            guard !rest.isEmpty else { return nil }
            return rest.map { String(Self.trimmed($0)) }.joined(separator: "; ")
        }
    }

    /// Whether a line of `Set-Cookie` is about our cookie: a worker's is dropped, for it cannot choose an id.
    func isOurs(setCookie line: String) -> Bool {
        isOurs(Self.parts(line.prefix { $0 != ";" }).name)
    }

    /// The line that gives a browser its id.
    func line(giving id: RandomToken) -> String {
        line(id.text, lasts: rules.isPersistent ? Int(rules.absolute.components.seconds) : nil)
    }

    /// The line that takes the cookie from a browser.
    var ending: String { line("", lasts: 0) }

    private func line(_ value: String, lasts seconds: Int?) -> String {
        "\(name)=\(value); Path=/" + (seconds.map { "; Max-Age=\($0)" } ?? "") + "; HttpOnly; SameSite=Lax"
            + (rules.isInsecure ? "" : "; Secure")
    }

    private func isOurs(_ name: some StringProtocol) -> Bool {
        // Browsers compare the prefix without regard to case, and so does this: none of the spellings is a worker's to set.
        let name = name.lowercased()
        return name == Self.secureName.lowercased() || rules.isInsecure && name == Self.insecureName
    }

    private static func parts(_ pair: Substring) -> (name: Substring, value: Substring) {
        let name = pair.prefix { $0 != "=" }
        return (trimmed(name), trimmed(pair.dropFirst(name.count + 1)))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}

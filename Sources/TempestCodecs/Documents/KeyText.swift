// Keys and names in the texts of errors: they are a sender's, and may be as long as a document.

/// How errors show a key.
enum KeyText {
    private static let longest = 64

    /// Quoted, and cut where it is long. Control characters, and marks that turn text around, come out escaped. Scalars are counted: a
    /// single character may have megabytes of them.
    static func quoted(_ key: String) -> String {
        var shown = "\""
        for scalar in key.unicodeScalars.prefix(longest) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                shown += scalar.escaped(asASCII: true)
            default: shown += scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : String(scalar)
            }
        }
        return key.unicodeScalars.dropFirst(longest).isEmpty ? shown + "\"" : shown + "\"…"
    }

    /// Cut where it is longer than keys that programs know.
    static func cut(_ key: String) -> String {
        guard key.utf8.count > 4 * longest else { return key }
        return String(key.unicodeScalars.prefix(longest)) + "…"
    }
}

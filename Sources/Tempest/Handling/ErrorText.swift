// What a handler's error says, as it stands in a log, in a job's `last_error` and in the dead set: short, on one line, harmless to a terminal.

enum ErrorText {
    /// Scalars of a text that a log shows.
    static let most = 500

    /// The error's text on one line, without what a terminal would obey: of at most `most` scalars of its own, some of them written as escapes.
    static func line(_ error: any Error, most: Int = most) -> String { cut("\(error)", most: most) }

    /// The same of a text.
    static func cut(_ text: String, most: Int = most) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(most) {
            switch scalar.properties.generalCategory {
            // Among them are those that turn the direction of writing round.
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
                line += scalar.escaped(asASCII: true)
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}

// Asks before something is done that cannot be taken back. Before it: a command that knows how much it would do.

import Foundation

enum Confirmation {
    /// Prints the question and reads the answer from standard input: true for y or yes.
    static func ask(_ question: String) throws -> Bool {
        try StandardOutput.write("\(question) [y/N] ")
        guard let answer = readLine()?.lowercased() else { return false }
        return answer == "y" || answer == "yes"
    }

    /// Asks on a terminal; elsewhere nobody can be asked, and only --yes will do.
    static func require(_ question: String, yes: Bool) throws -> Bool {
        if yes { return true }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure("\(question) There is no terminal to ask at: say --yes. Nothing was done.")
        }
        return try ask(question)
    }
}

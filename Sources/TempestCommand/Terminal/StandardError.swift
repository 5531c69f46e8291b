// What is not the result of a command, but to be said: it must not get into a pipe.

import Foundation

enum StandardError {
    /// A line, with control characters shown: parts of it may come from Redis.
    static func say(_ line: String) { write("\(Shown.escapingControls(line))\n") }

    /// Text as it is. What cannot be written is nobody's loss but the reader's: the command goes on.
    static func write(_ text: String) { _ = StandardOutput.written(Array(text.utf8), to: STDERR_FILENO) }
}

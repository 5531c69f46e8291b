// What is not the result of a command, but to be said: it must not get into a pipe.

import Foundation

enum StandardError {
    /// A line, with control characters shown: parts of it may come from Redis.
    static func say(_ line: String) {
        FileHandle.standardError.write(Data("\(Shown.escapingControls(line))\n".utf8))
    }
}

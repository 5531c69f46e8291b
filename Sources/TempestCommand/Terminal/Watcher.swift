// Who watches a command that takes its time: standard error. What goes on is shown on one line, and on terminals only.
// Beside it: standard output, which has the result alone.

import Foundation
import TempestBench

struct Watcher: Sendable {
    private let isTerminal = isatty(STDERR_FILENO) == 1

    func say(_ line: String) { write((isTerminal ? "\r\u{1B}[K" : "") + Shown.escapingControls(line) + "\n") }
    func progress(_ text: String) { if isTerminal { write("\r\u{1B}[K" + Shown.escapingControls(text)) } }
    func finish() { if isTerminal { write("\r\u{1B}[K") } }

    private func write(_ text: String) { StandardError.write(text) }
}

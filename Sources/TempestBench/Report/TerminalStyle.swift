// Whether a report has colours. Before it: the terminal and NO_COLOR. After it: TextReport.

import Foundation

extension Style {
    /// For standard output: colours where a terminal shows them and NO_COLOR does not refuse them.
    package static var terminal: Style {
        Style(isColoured: Files.environment("NO_COLOR") == nil && isatty(STDOUT_FILENO) == 1)
    }
}

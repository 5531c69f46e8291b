// A table in a terminal, with colour where the terminal wants it.
// Before it: cells. After it: TextReport prints it.

/// How text is emphasised; nothing where NO_COLOR is set or no terminal watches.
package struct Style: Sendable {
    package let isColoured: Bool

    package init(isColoured: Bool) { self.isColoured = isColoured }

    package func bold(_ text: String) -> String { wrap(text, "1") }
    package func good(_ text: String) -> String { wrap(text, "32") }
    package func bad(_ text: String) -> String { wrap(text, "31") }

    private func wrap(_ text: String, _ code: String) -> String { isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

/// Columns as wide as their content, text to the left, figures to the right.
package struct ResultTable {
    package enum Alignment { case left, right }

    package struct Cell {
        var text: String
        var paint: (@Sendable (String) -> String)?
        package init(_ text: String, paint: (@Sendable (String) -> String)? = nil) { (self.text, self.paint) = (text, paint) }
    }

    private let head: [Cell]
    private let alignment: [Alignment]
    private var rows: [[Cell]] = []

    package init(_ columns: [(String, Alignment)], style: Style) {
        head = columns.map { Cell($0.0) { style.bold($0) } }
        alignment = columns.map(\.1)
    }

    package mutating func add(_ cells: [Cell]) { rows.append(cells) }
    package mutating func add(_ cells: [String]) { rows.append(cells.map { Cell($0) }) }

    package var text: String {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].text.count }.max() ?? 0 }
        return all.map { cells in
            var line = ""
            for (column, cell) in cells.enumerated() {
                let isLast = column == cells.count - 1
                let space = String(repeating: " ", count: widths[column] - cell.text.count)
                // Colours take no room: widths are of the text.
                let painted = cell.paint?(cell.text) ?? cell.text
                line += alignment[column] == .left ? painted + (isLast ? "" : space) : space + painted
                if !isLast { line += "  " }
            }
            return line
        }.joined(separator: "\n")
    }
}

// Tables that people can read: columns as wide as their content, numbers to the right. No colour: nothing to switch off.

struct Table {
    enum Alignment { case left, right }

    private let head: [String]
    private let alignment: [Alignment]
    private var rows: [[String]] = []

    init(_ columns: [(String, Alignment)]) {
        head = columns.map(\.0)
        alignment = columns.map(\.1)
    }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    var text: String {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { cells in
            let line = cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return alignment[column] == .left ? cell + space : space + cell
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

// The report as a picture: a panel for each group of figures, a bar for each, with the lowest and the highest run. Before it: a LoadReport.
// After it: an SVG file.

import TempestBench

/// Bars; all of one unit have one scale.
package struct LoadPlot {
    let report: LoadReport

    package init(_ report: LoadReport) { self.report = report }

    private static let width = 900
    private static let margin = 24
    private static let left = 280
    private static let row = 24
    private static let room = 440

    package var svg: String {
        var drawing = Drawing()
        drawing.text(Self.margin, 40, "tempest bench \(report.kind.rawValue)", size: 20, weight: "bold")
        drawing.text(Self.margin, 62, report.machine.description, size: 12, fill: "#444")
        let versions = report.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
        drawing.text(Self.margin, 80, "\(versions); \(report.date)", size: 12, fill: "#444")
        drawing.text(Self.margin, 98, report.settings.description, size: 12, fill: "#444")
        drawing.text(Self.margin, 116, report.command, size: 12, fill: "#444")
        if let warning = report.warning { drawing.text(Self.margin, 136, warning, size: 12, fill: "#c00", weight: "bold") }
        var y = 148
        var groups: [String] = []
        for figure in report.figures where !groups.contains(figure.group) { groups.append(figure.group) }
        for group in groups {
            let figures = report.figures.filter { $0.group == group }
            let height = 40 + figures.count * Self.row
            drawing.frame(Self.margin, y, Self.width - 2 * Self.margin, height)
            drawing.text(Self.margin + 14, y + 24, group, size: 15, weight: "bold")
            for (place, figure) in figures.enumerated() {
                let scale = report.figures.filter { $0.unit == figure.unit }.compactMap { $0.runs.max() }.max() ?? 1
                draw(figure, scale: scale, y: y + 34 + place * Self.row, into: &drawing)
            }
            y += height + 16
        }
        return drawing.svg(width: Self.width, height: y + 8)
    }

    private func draw(_ figure: Figure, scale: Double, y: Int, into drawing: inout Drawing) {
        func length(_ value: Double) -> Int { scale > 0 ? max(1, Int((value / scale * Double(Self.room)).rounded())) : 1 }
        drawing.text(Self.left - 8, y + 15, figure.name, size: 13, anchor: "end")
        drawing.bar(Self.left, y + 3, length(figure.median), Self.row - 8, fill: "#cfe0f6", stroke: "#2f6fc4")
        let (low, high) = (length(figure.runs.min() ?? 0), length(figure.runs.max() ?? 0))
        drawing.line(Self.left + low, y + 11, Self.left + high, y + 11, stroke: "#111")
        for end in [low, high] { drawing.line(Self.left + end, y + 7, Self.left + end, y + 15, stroke: "#111") }
        drawing.text(
            Self.left + max(high, length(figure.median)) + 8, y + 15, "\(LoadReport.number(figure.median)) \(figure.unit)",
            size: 13)
    }
}

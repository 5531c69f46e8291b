// The report as a picture: a panel for each payload, bars by operation and codec, times in words beside them.
// Before it: a BenchReport. After it: an SVG file.

/// Bars of the times of an operation: shorter is better. Each panel has a scale of its own.
package struct Plot {
    let report: BenchReport

    package init(_ report: BenchReport) { self.report = report }

    private static let width = 1240
    private static let margin = 24
    private static let gap = 24
    private static var columnWidth: Int { (width - 2 * margin - gap) / 2 }

    /// The picture. White behind, dark letters of 12 and more.
    package var svg: String {
        var drawing = Drawing()
        drawing.text(Self.margin, 40, "tempest bench codecs: time for one operation, shorter is better", size: 20, weight: "bold")
        drawing.text(Self.margin, 62, report.machine.description, size: 13, fill: "#444")
        drawing.text(Self.margin, 80, head, size: 13, fill: "#444")
        legend(&drawing)
        if let warning = TextReport.warning(report) {
            drawing.text(Self.margin, 124, warning, size: 14, fill: "#c00", weight: "bold")
        }

        let panels = report.payloads.map { PlotPanel($0) }
        var ends = [138, 138]
        for panel in panels {
            // Each goes where there is room first.
            let column = ends[0] <= ends[1] ? 0 : 1
            let x = Self.margin + column * (Self.columnWidth + Self.gap)
            panel.draw(into: &drawing, x: x, y: ends[column], width: Self.columnWidth)
            ends[column] += panel.height + Self.gap
        }
        return drawing.svg(width: Self.width, height: max(ends[0], ends[1]))
    }

    private var head: String {
        let versions = report.versions.prefix(8).map { "\($0.name) \($0.version)" }.joined(separator: ", ")
        return "\(versions); seed \(report.seed), medians of \(report.rounds) rounds, \(report.date)"
    }

    private func legend(_ drawing: inout Drawing) {
        var x = Self.margin
        for codec in ["json", "msgpack", "tnetstring"] {
            drawing.bar(x, 94, 14, 14, fill: PlotPanel.colour(codec, isOurs: true), stroke: PlotPanel.colour(codec, isOurs: true))
            drawing.text(x + 20, 106, Advice.title(codec), size: 13)
            x += 130
        }
        let makers = report.payloads.flatMap(\.measurements).map(\.key.maker)
        guard makers.contains(where: { $0 != CandidateKey.tempest }) else { return }
        drawing.bar(x, 94, 14, 14, fill: PlotPanel.colour("json", isOurs: false), stroke: PlotPanel.colour("json", isOurs: true))
        drawing.text(x + 20, 106, "light: other languages and libraries in the same codec; » goes on beyond the panel", size: 13)
    }
}

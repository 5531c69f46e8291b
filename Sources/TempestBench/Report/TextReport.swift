// The report as people read it in a terminal.
// Before it: a BenchReport. After it: standard output.

/// Tables, advice and ratios.
package struct TextReport {
    let report: BenchReport
    let style: Style

    package init(_ report: BenchReport, style: Style) { (self.report, self.style) = (report, style) }

    package var text: String {
        var parts = [head]
        parts += report.payloads.map(section)
        let table = RatioTable(report.payloads)
        if !table.columns.isEmpty { parts.append(ratios(table)) }
        return parts.joined(separator: "\n\n")
    }

    /// What is said loudly when the figures mean nothing; nil when they do.
    package static func warning(_ report: BenchReport) -> String? {
        report.isOptimised
            ? nil
            : "WARNING: this program was built WITHOUT OPTIMISATION. These figures mean nothing: build with -c release"
    }

    private var head: String {
        var lines = [style.bold("tempest bench codecs"), report.machine.description]
        lines.append(report.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", "))
        lines.append(
            "seed \(report.seed); \(report.rounds == 1 ? "one round" : "medians of \(report.rounds) rounds"), all candidates in every "
                + "round; processor time of one thread; MB/s of encoded bytes; \(report.date)"
        )
        if report.isComparison { lines.append(Self.fairness) }
        if !report.missingPeers.isEmpty {
            lines.append("not compared, because not installed: \(report.missingPeers.joined(separator: ", "))")
        }
        if let warning = Self.warning(report) { lines.append(style.bad(warning)) }
        return lines.joined(separator: "\n")
    }

    package static let fairness = """
        Python runs with its garbage collector off while a batch is timed (as timeit does; reference counts free the results all the \
        same), Ruby with its own on. tnetstring3 reads and writes bytes, not text. Ours visits every leaf; the others do not.
        """

    private func section(_ payload: PayloadResult) -> String {
        var lines = [style.bold(payload.name) + " — " + payload.about]
        if !payload.sizes.isEmpty { lines.append(sizes(payload)) }
        if !payload.measurements.isEmpty { lines.append(times(payload)) }
        lines += payload.sizes.flatMap(\.losses).map { "lost in \($0)" }
        lines += payload.remarks.map { "note: \($0)" }
        lines += payload.advice.map { "→ " + $0 }
        return lines.joined(separator: "\n")
    }

    private func sizes(_ payload: PayloadResult) -> String {
        let compressors = payload.sizes.first { !$0.compressed.isEmpty }?.compressed.map(\.name) ?? []
        var table = ResultTable(
            [("codec", .left), ("size", .right), ("", .left)] + compressors.map { ($0, ResultTable.Alignment.right) }
                + [("memory to read", .right)], style: style)
        let largest = payload.sizes.compactMap(\.bytes).max() ?? 1
        for size in payload.sizes {
            guard let bytes = size.bytes else { continue }
            let compressed = compressors.map { name in
                size.compressed.first { $0.name == name }.map { Units.size($0.bytes) } ?? "-"
            }
            table.add(
                [size.codec, Units.size(bytes), Self.bar(bytes, of: largest)] + compressed + [size.peak.map(Units.size) ?? "-"])
        }
        return ([table.text] + payload.sizes.compactMap(\.refusal)).joined(separator: "\n")
    }

    /// Eighths of a character are what terminals can draw.
    private static func bar(_ bytes: Int, of most: Int, characters: Int = 24) -> String {
        let eighths = max(1, Int((Double(bytes) / Double(max(1, most)) * Double(characters * 8)).rounded()))
        let rest = eighths % 8
        let end = rest == 0 ? "" : String(UnicodeScalar(0x2590 - UInt32(rest)).map(Character.init) ?? " ")
        return String(repeating: "█", count: eighths / 8) + end
    }

    private func times(_ payload: PayloadResult) -> String {
        var table = ResultTable(
            [
                ("codec", .left), ("library", .left), ("what", .left), ("decode", .right), ("MB/s", .right), ("±", .right),
                ("encode", .right), ("MB/s", .right), ("±", .right),
            ], style: style)
        let order = payload.sizes.map(\.codec)
        let lines = payload.lines.enumerated().sorted {
            let (left, right) = (order.firstIndex(of: $0.element.codec) ?? 0, order.firstIndex(of: $1.element.codec) ?? 0)
            return (left, $0.offset) < (right, $1.offset)
        }.map(\.element)
        var last = ""
        for line in lines {
            let isOurs = line.maker == CandidateKey.tempest
            var cells = [
                line.codec == last ? "" : line.codec, line.maker, isOurs || line.kind != .value ? line.kind.title : "objects",
            ]
            for direction in CandidateKey.Direction.allCases {
                if let found = payload[line.maker, line.codec, line.kind, direction] {
                    cells += [
                        Units.time(nanoseconds: found.median), Units.rate(bytes: found.bytes, nanoseconds: found.median),
                        "\(Units.fixed(found.spread * 50, 0)) %",
                    ]
                } else {
                    cells += ["-", "-", "-"]
                }
            }
            last = line.codec
            table.add(cells)
        }
        return table.text
    }

    private func ratios(_ ratios: RatioTable) -> String {
        var table = ResultTable(
            [("ours / theirs", .left)] + ratios.columns.map { ($0, ResultTable.Alignment.right) }, style: style)
        for (row, ratios) in ratios.rows {
            table.add(
                [ResultTable.Cell(row.label)]
                    + ratios.map { ratio in
                        guard let ratio else { return ResultTable.Cell("-") }
                        let style = style
                        return ResultTable.Cell(Units.ratio(ratio)) { ratio < 1 ? style.good($0) : style.bad($0) }
                    })
        }
        return style.bold("Ratios of times, ours / theirs: below 1 we are faster") + "\n" + table.text
    }
}

// What one measurement found, run by run. Before it: the loads. After it: LoadReport.

/// A figure: what it says, in what unit, and the runs that it is the median of.
package struct Figure: Sendable {
    /// Figures that belong together stand together.
    package let group: String
    package let name: String
    /// `jobs/s`, `us`, `ms`, `MB`, `%`, `x`…
    package let unit: String
    package let runs: [Double]

    init(_ group: String, _ name: String, _ unit: String, _ runs: [Double]) {
        (self.group, self.name, self.unit, self.runs) = (group, name, unit, runs)
    }

    package var median: Double { Self.quantile(runs, 0.5) }

    /// Of unsorted numbers; 0 of none.
    static func quantile(_ numbers: [Double], _ share: Double) -> Double {
        guard !numbers.isEmpty else { return 0 }
        let sorted = numbers.sorted()
        if share == 0.5, sorted.count % 2 == 0 { return (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2 }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// Figures by group and name, in the order in which they came first.
struct FigureSet {
    private var figures: [(group: String, name: String, unit: String, runs: [Double])] = []

    mutating func add(_ group: String, _ name: String, _ unit: String, _ value: Double) {
        if let place = figures.firstIndex(where: { $0.group == group && $0.name == name }) {
            figures[place].runs.append(value)
        } else {
            figures.append((group, name, unit, [value]))
        }
    }

    var all: [Figure] { figures.map { Figure($0.group, $0.name, $0.unit, $0.runs) } }
}

// What a run found, and with what: for tables, JSON and the plot. Before it: a load. After it: the command prints it.

package import TempestBench
package import TempestCodecs

/// The result of a run.
package struct LoadReport: Sendable {
    package let kind: LoadKind
    let settings: LoadSettings
    package let machine: Machine
    package var versions: [(name: String, version: String)]
    package let isOptimised: Bool
    package let date: String
    package var figures: [Figure] = []
    package var notes: [String] = []

    init(_ kind: LoadKind, _ settings: LoadSettings) {
        (self.kind, self.settings) = (kind, settings)
        (machine, isOptimised, date) = (.current(), CodecBench.isOptimised, Files.date)
        versions = [("tempest", settings.version), ("Swift", Machine.swift)]
    }

    /// What is said loudly when the figures mean nothing.
    package var warning: String? {
        isOptimised
            ? nil
            : "WARNING: this program was built WITHOUT OPTIMISATION. These figures mean nothing: swift build -c release --product tempest"
    }

    /// The median of a figure; for tests, and for who puts reports side by side.
    package subscript(_ group: String, _ name: String) -> Double? {
        figures.first { $0.group == group && $0.name == name }?.median
    }

    // MARK: For people

    package func text(_ style: Style) -> String {
        var lines = [style.bold("tempest bench \(kind.rawValue)") + ": \(kind.about)", machine.description]
        lines.append(versions.map { "\($0.name) \($0.version)" }.joined(separator: ", ") + "; \(date)")
        lines.append(settings.description)
        lines.append(command)
        if let warning { lines.append(style.bad(warning)) }
        var table = ResultTable(
            [("", .left), ("", .left), ("median", .right), ("lowest", .right), ("highest", .right), ("", .left)], style: style)
        var last = ""
        for figure in figures {
            table.add([
                figure.group == last ? "" : figure.group, figure.name, Self.number(figure.median),
                Self.number(figure.runs.min() ?? 0),
                Self.number(figure.runs.max() ?? 0), figure.unit,
            ])
            last = figure.group
        }
        return (lines + ["", table.text] + (notes.isEmpty ? [] : [""]) + notes.map { "note: \($0)" }).joined(separator: "\n")
    }

    /// As it was typed.
    var command: String { "$ " + settings.command.map { Shown.name($0, most: 300) }.joined(separator: " ") }

    /// `63,603`, `14.5`, `0.25`.
    static func number(_ number: Double) -> String {
        number >= 999.5 ? Units.grouped(Int(number.rounded())) : Units.digits(number)
    }

    // MARK: For programs

    package var value: Value {
        [
            "tempest_bench": .text(kind.rawValue),
            "optimised": .bool(isOptimised),
            "date": .text(date),
            "command": .array(settings.command.map { .text(Shown.name($0, most: 300)) }),
            "machine": [
                "system": .text(machine.system), "architecture": .text(machine.architecture),
                "processor": .text(machine.processor),
                "cores": Value(machine.cores),
            ],
            "versions": .map(ValueMap(versions.map { ($0.name, .text($0.version)) })),
            "settings": [
                "processes": Value(settings.processes), "concurrency": Value(settings.concurrency), "size": Value(settings.size),
                "codec": .text(settings.codec.name), "levels": Value(settings.levels), "queues": Value(settings.queues),
                "jobs": Value(settings.jobs), "runs": Value(settings.runs), "callers": Value(settings.callers),
                "seconds": .double(settings.seconds),
            ],
            "figures": .array(
                figures.map { figure in
                    [
                        "group": .text(figure.group), "name": .text(figure.name), "unit": .text(figure.unit),
                        "median": .double(figure.median), "runs": .array(figure.runs.map { .double($0) }),
                    ]
                }),
            "notes": .array(notes.map { .text($0) }),
        ]
    }
}

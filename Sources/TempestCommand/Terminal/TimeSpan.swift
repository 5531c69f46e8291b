// Lengths of time as people type and read them: 90s, 15m, 2h, 3d. Before it: an option. After it: a Duration for the library.

import ArgumentParser

/// A length of time: a number and a unit, ms s m h d or w; without a unit seconds.
struct TimeSpan: ExpressibleByArgument, Equatable {
    static let year: Int64 = 365 * 86_400_000

    let milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    var defaultValueDescription: String { Self.shown(milliseconds: milliseconds) }
    var duration: Duration { .milliseconds(milliseconds) }

    private static let units: [(name: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
    ]

    init?(argument: String) {
        let digits = argument.prefix { ("0"..."9").contains($0) || $0 == "." }
        let unit = argument.dropFirst(digits.count)
        guard let number = Double(digits), number.isFinite,
            let factor = unit.isEmpty ? 1000 : Self.units.first(where: { $0.name == unit })?.milliseconds
        else { return nil }
        // A hundred years: beyond that it was a slip.
        guard number * factor <= 100 * Double(Self.year) else { return nil }
        milliseconds = Int64((number * factor).rounded())
    }

    /// Its two largest units: `2d 3h`, `45s`, `120ms`.
    static func shown(milliseconds: Int64) -> String {
        guard milliseconds >= 1000 else { return "\(max(0, milliseconds))ms" }
        var rest = milliseconds / 1000
        var parts: [String] = []
        for (name, seconds) in [("d", Int64(86_400)), ("h", 3600), ("m", 60), ("s", 1)] {
            let count = rest / seconds
            rest -= count * seconds
            if count > 0 || !parts.isEmpty { parts.append("\(count)\(name)") }
        }
        return parts.prefix(2).filter { !$0.hasPrefix("0") }.joined(separator: " ")
    }
}

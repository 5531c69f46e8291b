// Times, sizes and rates as people read them: three digits that count, and a unit.
// Before it: medians. After it: tables, advice and the plot.

/// Figures with units.
package enum Units {
    /// `842 ns`, `12.3 µs`, `4.56 ms`, `1.20 s`.
    package static func time(nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<999.5: digits(nanoseconds) + " ns"
        case ..<999_500: digits(nanoseconds / 1e3) + " µs"
        case ..<999_500_000: digits(nanoseconds / 1e6) + " ms"
        default: digits(nanoseconds / 1e9) + " s"
        }
    }

    /// `119 B`, `19.8 KB`, `1.05 MB`; a KB is 1000 bytes.
    package static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<1000: "\(bytes) B"
        case ..<999_500: digits(Double(bytes) / 1e3) + " KB"
        default: digits(Double(bytes) / 1e6) + " MB"
        }
    }

    /// Megabytes a second, without the unit.
    package static func rate(bytes: Int, nanoseconds: Double) -> String { digits(megabytes(bytes, nanoseconds)) }

    static func megabytes(_ bytes: Int, _ nanoseconds: Double) -> Double {
        nanoseconds > 0 ? Double(bytes) * 1e3 / nanoseconds : 0
    }

    /// `1.33`, `0.08`: a ratio.
    package static func ratio(_ ratio: Double) -> String { fixed(ratio, ratio < 99.5 ? 2 : 0) }

    /// `63,603`.
    package static func grouped(_ number: Int) -> String {
        var text = "\(number)"
        var place = text.count - 3
        while place > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: place))
            place -= 3
        }
        return text
    }

    /// Three digits: `1.23`, `12.3`, `123`, `1230`.
    package static func digits(_ number: Double) -> String {
        switch number {
        case ..<9.995: fixed(number, 2)
        case ..<99.95: fixed(number, 1)
        default: fixed(number, 0)
        }
    }

    /// With so many digits after the point (0 to 3); numbers of the size of times and ratios.
    package static func fixed(_ number: Double, _ places: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "-" }
        let scale = [1, 10, 100, 1000][places]
        let scaled = Int((abs(number) * Double(scale)).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }
}

/// Text from outside as it may be shown.
package enum Shown {
    /// The name of a file or version without what terminals obey and XML forbids, at most so many characters.
    package static func name(_ text: String, most: Int = 80) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(most * 4) {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let isForbidden = scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value)
            // Marks that turn the direction of a line.
            let isTurning = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            shown.unicodeScalars.append(isControl || isForbidden || isTurning ? "\u{FFFD}" : scalar)
        }
        return shown.count <= most ? shown : String(shown.prefix(most - 1)) + "…"
    }
}

// One panel of the plot: a payload's bars, in groups by operation.
// Before it: a PayloadResult. After it: lines of the drawing.

/// The bars of a payload.
struct PlotPanel {
    private struct Bar {
        let label: String
        let codec: String
        let isOurs: Bool
        let time: Double
    }

    private let payload: PayloadResult
    private let groups: [(title: String, bars: [Bar])]
    /// The time at the right end of the panel; nanoseconds.
    private let scale: Double

    private static let head = 64
    private static let groupHead = 24
    private static let row = 19
    private static let foot = 30
    private static let labelWidth = 128
    private static let valueWidth = 76

    init(_ payload: PayloadResult) {
        self.payload = payload
        let codecs = ["json", "msgpack", "tnetstring"]
        var groups: [(String, [Bar])] = []
        for direction in CandidateKey.Direction.allCases {
            for kind in CandidateKey.Kind.allCases {
                let found = payload.measurements.filter { $0.key.kind == kind && $0.key.direction == direction }
                let bars = codecs.flatMap { codec in
                    found.filter { $0.key.codec == codec }.map { one in
                        let isOurs = one.key.maker == CandidateKey.tempest
                        let label = isOurs || kind == .compressed ? "\(one.key.maker) \(codec)" : one.key.maker
                        return Bar(label: label, codec: codec, isOurs: isOurs, time: one.median)
                    }
                }
                if !bars.isEmpty { groups.append((Self.title(kind, direction), bars)) }
            }
        }
        self.groups = groups
        // One slow peer would make stubs of all others: its bar is cut off instead.
        let ours = payload.measurements.filter { $0.key.maker == CandidateKey.tempest }.map(\.median).max() ?? 1
        scale = Self.roundedUp(max(1, ours * 1.05))
    }

    private static func title(_ kind: CandidateKey.Kind, _ direction: CandidateKey.Direction) -> String {
        let isDecoding = direction == .decode
        return switch kind {
        case .value: isDecoding ? "bytes to values" : "values to bytes"
        case .codable: isDecoding ? "bytes to Codable types" : "Codable types to bytes"
        case .tokens: isDecoding ? "bytes to types that read tokens" : "types that write tokens to bytes"
        case .job: isDecoding ? "a job is read" : "a job is written"
        case .answer: isDecoding ? "an answer is read" : "an answer is written"
        case .compressed: "bytes are compressed"
        }
    }

    static func colour(_ codec: String, isOurs: Bool) -> String {
        switch codec {
        case "json": isOurs ? "#2f6fc4" : "#cfe0f6"
        case "msgpack": isOurs ? "#d9811a" : "#fbe3c6"
        default: isOurs ? "#2f8f55" : "#cdebd8"
        }
    }

    var height: Int {
        let rows = groups.reduce(0) { $0 + Self.groupHead + $1.bars.count * Self.row }
        return Self.head + (payload.sizes.isEmpty ? 0 : 6) + rows + Self.foot
    }

    func draw(into drawing: inout Drawing, x: Int, y: Int, width: Int) {
        drawing.frame(x, y, width, height)
        drawing.text(x + 14, y + 24, payload.name, size: 16, weight: "bold")
        drawing.text(x + 14, y + 42, payload.about, size: 12, fill: "#444")
        let sizes = payload.sizes.compactMap { size in size.bytes.map { "\(Advice.title(size.codec)) \(Units.size($0))" } }
        if !sizes.isEmpty { drawing.text(x + 14, y + 59, "size: " + sizes.joined(separator: ", "), size: 12, fill: "#444") }

        let left = x + 14 + Self.labelWidth
        let room = width - 28 - Self.labelWidth - Self.valueWidth
        let top = y + Self.head + (payload.sizes.isEmpty ? 0 : 6)
        let bottom = y + height - Self.foot
        for step in 0...4 {
            let place = left + room * step / 4
            drawing.line(place, top, place, bottom, stroke: step == 0 ? "#888" : "#e4e4e4")
            let time = Units.time(nanoseconds: scale * Double(step) / 4)
            drawing.text(place, bottom + 18, step == 0 ? "0" : time, size: 12, fill: "#444", anchor: "middle")
        }
        var line = top
        for group in groups {
            drawing.text(x + 14, line + 17, group.title, size: 13, weight: "bold")
            line += Self.groupHead
            for bar in group.bars {
                draw(bar, into: &drawing, left: left, room: room, y: line)
                line += Self.row
            }
        }
    }

    private func draw(_ bar: Bar, into drawing: inout Drawing, left: Int, room: Int, y: Int) {
        let isCut = bar.time > scale
        let length = isCut ? room : max(1, Int((bar.time / scale * Double(room)).rounded()))
        drawing.text(left - 8, y + 13, bar.label, size: 12, anchor: "end")
        drawing.bar(
            left, y + 2, length, Self.row - 5, fill: Self.colour(bar.codec, isOurs: bar.isOurs),
            stroke: Self.colour(bar.codec, isOurs: true))
        drawing.text(left + length + 6, y + 13, (isCut ? "» " : "") + Units.time(nanoseconds: bar.time), size: 12)
    }

    /// The next 1, 1.2, 1.6, 2, 3, 4, 6, 8 or 10 times a power of ten: quarters of it are short numbers.
    static func roundedUp(_ number: Double) -> Double {
        var power = 1.0
        while power * 10 < number { power *= 10 }
        return ([1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].first { $0 * power >= number } ?? 10) * power
    }
}

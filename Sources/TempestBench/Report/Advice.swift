// Which codec for this payload: a sentence, of the figures alone.
// Before it: sizes and medians. After it: the last line of a payload's table.

/// What is known of a codec for a payload.
package struct CodecFigures: Sendable {
    package let codec: String
    package let bytes: Int
    package let compressed: Int?
    /// Nanoseconds an operation, to and from a Value.
    package let decode: Double
    package let encode: Double

    package init(codec: String, bytes: Int, compressed: Int?, decode: Double, encode: Double) {
        (self.codec, self.bytes, self.compressed, self.decode, self.encode) = (codec, bytes, compressed, decode, encode)
    }
}

/// The advice.
package enum Advice {
    /// Closer than this is the same: machines are noisy.
    static let margin = 1.10
    static let titles = ["json": "JSON", "msgpack": "MessagePack", "tnetstring": "tnetstring"]

    static func title(_ codec: String) -> String { titles[codec] ?? codec }

    /// The sentence for a payload; nil if fewer than two codecs can hold it.
    package static func sentence(_ payload: String, _ figures: [CodecFigures]) -> String? {
        guard figures.count >= 2 else { return nil }
        let size = Ranking(figures.map { ($0.codec, Double($0.bytes)) })
        let decode = Ranking(figures.map { ($0.codec, $0.decode) })
        let encode = Ranking(figures.map { ($0.codec, $0.encode) })
        let all = figures.map(\.codec).filter { size.leads($0) && decode.leads($0) && encode.leads($0) }

        var text = "\(payload): "
        if all.count == figures.count {
            text += "whichever you like, they are within 10 % of each other in size and speed"
        } else if !all.isEmpty {
            text += "\(joined(all)), which nothing beats by more than 10 %: "
        } else {
            text += "it depends on what you do most: "
        }
        if all.count != figures.count {
            text += [
                size.clause("size", "smallest", "as large"), decode.clause("reading", "fastest to read", "as long"),
                encode.clause("writing", "fastest to write", "as long"),
            ].joined(separator: "; ")
        }
        return text + compressed(figures, size) + "."
    }

    /// Whether compression changes the order of sizes.
    private static func compressed(_ figures: [CodecFigures], _ size: Ranking) -> String {
        let sizes = figures.compactMap { figure in figure.compressed.map { (figure.codec, Double($0)) } }
        guard sizes.count == figures.count, size.leaders.count < figures.count else { return "" }
        let ranking = Ranking(sizes)
        if ranking.leaders.count == figures.count { return " (compressed, all are the same size)" }
        return ranking.leaders == size.leaders
            ? "" : " (compressed, \(joined(ranking.leaders)) \(ranking.leaders.count == 1 ? "is" : "are") smallest)"
    }

    fileprivate static func joined(_ codecs: [String]) -> String {
        let names = codecs.map(title)
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }
}

/// Codecs by a figure of which less is better.
private struct Ranking {
    /// Best first.
    let sorted: [(codec: String, figure: Double)]

    init(_ figures: [(String, Double)]) {
        sorted = figures.sorted { $0.1 < $1.1 }.map { (codec: $0.0, figure: $0.1) }
    }

    /// The best, and those within the margin of it.
    var leaders: [String] { sorted.filter { $0.figure <= sorted[0].figure * Advice.margin }.map(\.codec) }

    func leads(_ codec: String) -> Bool { leaders.contains(codec) }

    /// `MessagePack is smallest (JSON is 1.33 x as large, tnetstring 1.02 x)`.
    func clause(_ subject: String, _ best: String, _ than: String) -> String {
        guard leaders.count < sorted.count else { return "in \(subject) all are within 10 %" }
        let others = sorted.dropFirst(leaders.count)
        let verb = than == "as large" ? "is" : "takes"
        let factors = others.enumerated().map { place, other in
            let factor = Units.ratio(other.figure / sorted[0].figure)
            return place == 0
                ? "\(Advice.title(other.codec)) \(verb) \(factor) x \(than)" : "\(Advice.title(other.codec)) \(factor) x"
        }
        let who = "\(Advice.joined(leaders)) \(leaders.count == 1 ? "is" : "are")"
        let among = leaders.count > 1 ? ", within 10 % of each other" : ""
        return "\(who) \(best)\(among) (\(factors.joined(separator: ", ")))"
    }
}

extension PayloadResult {
    /// The figures of the codecs that could be measured, to and from a Value.
    var figures: [CodecFigures] {
        sizes.compactMap { size in
            guard let bytes = size.bytes, let decode = self[CandidateKey.tempest, size.codec, .value, .decode],
                let encode = self[CandidateKey.tempest, size.codec, .value, .encode]
            else { return nil }
            return CodecFigures(
                codec: size.codec, bytes: bytes, compressed: size.compressed, decode: decode.median, encode: encode.median)
        }
    }

    /// The advice for this payload.
    package var advice: String? { Advice.sentence(name, figures) }
}

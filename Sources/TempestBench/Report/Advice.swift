// Which codec for this payload: a sentence, of the figures alone.
// Before it: sizes and the times of the rounds. After it: the last line of a payload's table.

/// What is known of a codec for a payload.
package struct CodecFigures: Sendable {
    package let codec: String
    package let bytes: Int
    package let compressed: Int?
    /// Nanoseconds an operation, to a Value, round by round.
    package let decode: [Double]
    /// Nanoseconds an operation, from a Value, round by round.
    package let encode: [Double]

    package init(codec: String, bytes: Int, compressed: Int?, decode: [Double], encode: [Double]) {
        (self.codec, self.bytes, self.compressed, self.decode, self.encode) = (codec, bytes, compressed, decode, encode)
    }
}

/// The advice.
package enum Advice {
    private static let titles = ["json": "JSON", "msgpack": "MessagePack", "tnetstring": "tnetstring"]

    static func title(_ codec: String) -> String { titles[codec] ?? codec }

    /// Fewer rounds than this say nothing about times.
    private static let fewestRounds = 4

    /// The sentence for a payload; nil if no codec can hold it.
    package static func sentence(_ payload: String, _ figures: [CodecFigures]) -> String? {
        guard let only = figures.first else { return nil }
        guard figures.count > 1 else { return "\(payload): \(title(only.codec)), no other codec can hold it." }
        guard figures.allSatisfy({ min($0.decode.count, $0.encode.count) >= fewestRounds }) else {
            let smallest = figures.min { $0.bytes < $1.bytes } ?? only
            return
                "\(payload): \(title(smallest.codec)) is smallest; fewer than \(fewestRounds) rounds do not say which is fastest."
        }
        let size = Ranking(sizes: figures.map { ($0.codec, $0.bytes) })
        let decode = Ranking(rounds: figures.map { ($0.codec, $0.decode) })
        let encode = Ranking(rounds: figures.map { ($0.codec, $0.encode) })
        if size.isTie && decode.isTie && encode.isTie {
            return "\(payload): take whichever you like, these figures do not tell them apart by more than 10 %."
        }
        let clauses = [
            size.clause(subject: "size", best: "smallest", verb: "is", than: "as large"),
            decode.clause(subject: "reading", best: "fastest to read", verb: "takes", than: "as long"),
            encode.clause(subject: "writing", best: "fastest to write", verb: "takes", than: "as long"),
        ]
        let choice = choice([("size", size), ("reading", decode), ("writing", encode)], figures.map(\.codec))
        return "\(payload): \(choice). \(clauses.joined(separator: "; ").firstUppercased)\(compressed(figures, size))."
    }

    /// `MessagePack for size and reading, tnetstring for writing`.
    private static func choice(_ criteria: [(name: String, ranking: Ranking)], _ codecs: [String]) -> String {
        // What all are alike in decides nothing.
        var open = criteria.filter { !$0.ranking.isTie }
        var parts: [String] = []
        while !open.isEmpty {
            let leads = codecs.map { codec in open.count { $0.ranking.leads(codec) } }
            let most = leads.max() ?? 0
            let chosen = codecs.indices.filter { leads[$0] == most }.map { codecs[$0] }
            // Several may lead in as many; those that lead in the same are named together.
            guard let first = chosen.first else { break }
            let covered = open.filter { $0.ranking.leads(first) }.map(\.name)
            let equals = chosen.filter { codec in open.filter { $0.ranking.leads(codec) }.map(\.name) == covered }
            let isAll = parts.isEmpty && covered.count == open.count
            let names = equals.map(title)
            parts.append("\(joined(names, by: "or")) \(isAll ? "for everything" : "for \(joined(covered, by: "and"))")")
            open.removeAll { $0.ranking.leads(first) }
        }
        return parts.joined(separator: ", ")
    }

    /// Whether compression changes the order of sizes.
    private static func compressed(_ figures: [CodecFigures], _ size: Ranking) -> String {
        let sizes = figures.compactMap { figure in figure.compressed.map { (codec: figure.codec, bytes: $0) } }
        guard sizes.count == figures.count, !size.isTie else { return "" }
        let ranking = Ranking(sizes: sizes)
        if ranking.isTie { return "; compressed, all are within 10 % in size" }
        if Set(ranking.leaders) == Set(size.leaders) { return "" }
        return "; compressed, \(joined(ranking.leaders)) \(ranking.leaders.count == 1 ? "is" : "are") smallest"
    }

    static func joined(_ codecs: [String]) -> String { joined(codecs.map(title), by: "and") }

    private static func joined(_ names: [String], by word: String) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " \(word) " + last
    }
}

extension String {
    /// Codecs' names stay as they are written.
    fileprivate var firstUppercased: String { hasPrefix("in ") ? "In" + dropFirst(2) : self }
}

extension PayloadResult {
    /// The figures of the codecs that could be measured, to and from a Value.
    var figures: [CodecFigures] {
        sizes.compactMap { size in
            guard let bytes = size.bytes, let decode = self[CandidateKey.tempest, size.codec, .value, .decode],
                let encode = self[CandidateKey.tempest, size.codec, .value, .encode]
            else { return nil }
            return CodecFigures(
                codec: size.codec, bytes: bytes, compressed: size.compressed, decode: decode.rounds, encode: encode.rounds)
        }
    }

    /// The advice for this payload.
    package var advice: String? { Advice.sentence(name, figures) }
}

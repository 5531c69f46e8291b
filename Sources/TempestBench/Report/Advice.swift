// Which codec for this payload, of the figures alone: by size, and by time for each who reads and writes it.
// Before it: sizes and the times of the rounds. After it: the last lines of a payload's table.

/// How large a payload is in a codec, plain and compressed.
package struct SizeFigures: Sendable {
    package let codec: String
    package let bytes: Int
    package let compressed: Int?

    package init(codec: String, bytes: Int, compressed: Int? = nil) {
        (self.codec, self.bytes, self.compressed) = (codec, bytes, compressed)
    }
}

/// How long somebody takes in a codec: nanoseconds an operation, round by round.
package struct TimeFigures: Sendable {
    package let codec: String
    package let decode: [Double]
    package let encode: [Double]

    package init(codec: String, decode: [Double], encode: [Double]) {
        (self.codec, self.decode, self.encode) = (codec, decode, encode)
    }
}

/// The advice.
package enum Advice {
    private static let titles = ["json": "JSON", "msgpack": "MessagePack", "tnetstring": "tnetstring", "cbor": "CBOR"]

    static func title(_ codec: String) -> String { titles[codec] ?? codec }

    /// Fewer rounds than this say nothing about times.
    private static let fewestRounds = 4

    /// The line about size; nil if there is nothing to choose from.
    package static func size(_ figures: [SizeFigures]) -> String? {
        guard let only = figures.first else { return nil }
        guard figures.count > 1 else { return "\(title(only.codec)): no other codec can hold it." }
        let plain = Ranking(sizes: figures.map { ($0.codec, $0.bytes) })
        let clause = plain.clause(subject: "size", best: "smallest", verb: "is", than: "as large")
        let sizes = figures.compactMap { figure in figure.compressed.map { (codec: figure.codec, bytes: $0) } }
        guard sizes.count == figures.count, !plain.isTie else { return "size: \(clause)." }
        let compressed = Ranking(sizes: sizes)
        if compressed.isTie { return "size: \(clause); compressed, all are within 10 %." }
        if Set(compressed.leaders).isDisjoint(with: plain.leaders) {
            return
                "size: no advice, gzip turns it round: \(joined(plain.leaders)) plain, \(joined(compressed.leaders)) compressed."
        }
        let still = compressed.clause(subject: "size", best: "smallest", verb: "is", than: "as large")
        return "size: \(clause); compressed, \(still)."
    }

    /// The line about the times of somebody: `Python client`. nil if there is nothing to choose from.
    package static func times(of name: String, _ figures: [TimeFigures]) -> String? {
        guard figures.count > 1 else { return nil }
        guard figures.allSatisfy({ min($0.decode.count, $0.encode.count) >= fewestRounds }) else {
            return "\(name): fewer than \(fewestRounds) rounds do not say which is fastest."
        }
        let decode = Ranking(rounds: figures.map { ($0.codec, $0.decode) })
        let encode = Ranking(rounds: figures.map { ($0.codec, $0.encode) })
        if decode.isTie && encode.isTie {
            return "\(name): whichever you like, their times do not tell them apart."
        }
        let clauses = [
            decode.clause(subject: "reading", best: "fastest to read", verb: "takes", than: "as long"),
            encode.clause(subject: "writing", best: "fastest to write", verb: "takes", than: "as long"),
        ]
        let choice = choice([("reading", decode), ("writing", encode)], figures.map(\.codec))
        return "\(name): \(choice). \(clauses.joined(separator: "; ").firstUppercased)."
    }

    /// `MessagePack for reading, tnetstring for writing`.
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
            parts.append("\(joined(equals.map(title), by: "or")) for \(joined(covered, by: "and"))")
            open.removeAll { $0.ranking.leads(first) }
        }
        return parts.joined(separator: ", ")
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
    /// Codecs that every program of Tempest has: advice is about these.
    private static let codecs = ["json", "msgpack", "tnetstring"]

    /// Who reads and writes: their names in advice, and in the measurements.
    private static let readers: [(name: String, maker: String, kind: CandidateKey.Kind)] = [
        ("Swift, a Value", CandidateKey.tempest, .value), ("Swift, a Codable type", CandidateKey.tempest, .codable),
        ("Swift, a type's own tokens", CandidateKey.tempest, .tokens), ("Python client", "tempest (Python)", .value),
        ("Ruby client", "tempest (Ruby)", .value),
    ]

    /// The advice for this payload, a line each.
    package var advice: [String] {
        let held = sizes.filter { Self.codecs.contains($0.codec) }
        var lines = [
            Advice.size(
                held.compactMap { size in
                    size.bytes.map { SizeFigures(codec: size.codec, bytes: $0, compressed: size.compressed.first?.bytes) }
                })
        ]
        for reader in Self.readers {
            let figures = held.compactMap { size -> TimeFigures? in
                guard let decode = self[reader.maker, size.codec, reader.kind, .decode],
                    let encode = self[reader.maker, size.codec, reader.kind, .encode]
                else { return nil }
                return TimeFigures(codec: size.codec, decode: decode.rounds, encode: encode.rounds)
            }
            lines.append(Advice.times(of: reader.name, figures))
        }
        return lines.compactMap { $0 }
    }
}

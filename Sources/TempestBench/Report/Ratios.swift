// How we stand beside the fastest libraries of other languages: ours / theirs.
// Before it: the measurements of a comparison. After it: a table, and the JSON.

/// A row of the comparison: an operation of ours and the peer's like it.
package struct RatioRow: Sendable {
    package let ours: CandidateKey
    package let peer: CandidateKey

    package var label: String { "\(Self.name(ours)) / \(Self.function(peer))" }

    private static func name(_ key: CandidateKey) -> String {
        let target =
            switch key.kind {
            case .value: "Value"
            case .codable: "Codable"
            case .tokens: "tokens"
            case .job: "job"
            case .answer: "answer"
            case .compressed: "compressed"
            }
        return key.direction == .decode ? "\(Advice.title(key.codec)) → \(target)" : "\(target) → \(Advice.title(key.codec))"
    }

    private static func function(_ key: CandidateKey) -> String {
        switch (key.maker, key.kind, key.direction) {
        case ("ormsgpack", _, .decode): "ormsgpack.unpackb"
        case ("ormsgpack", _, .encode): "ormsgpack.packb"
        case ("msgspec", .tokens, _): "msgspec.Struct"
        case ("Foundation", .codable, .decode): "JSONDecoder"
        case ("Foundation", .codable, .encode): "JSONEncoder"
        case ("Foundation", _, _): "JSONSerialization"
        case (let maker, _, .decode): "\(maker).loads"
        case (let maker, _, .encode): "\(maker).dumps"
        }
    }

    /// The rows of the comparison, in order.
    package static let all: [RatioRow] = {
        var rows: [RatioRow] = []
        func both(_ codec: String, _ kind: CandidateKey.Kind, _ peer: String, _ peerKind: CandidateKey.Kind) {
            for direction in CandidateKey.Direction.allCases {
                rows.append(
                    RatioRow(
                        ours: CandidateKey(CandidateKey.tempest, codec, kind, direction),
                        peer: CandidateKey(peer, codec, peerKind, direction)))
            }
        }
        both("json", .value, "orjson", .value)
        both("json", .codable, "orjson", .value)
        both("json", .tokens, "orjson", .value)
        both("msgpack", .value, "ormsgpack", .value)
        both("tnetstring", .value, "tnetstring3", .value)
        // What a typed worker in Python would use today.
        for codec in ["json", "msgpack"] {
            both(codec, .tokens, "msgspec", .tokens)
            both(codec, .codable, "msgspec", .tokens)
        }
        both("json", .value, "Foundation", .value)
        both("json", .codable, "Foundation", .codable)
        both("json", .tokens, "Foundation", .codable)
        return rows
    }()
}

/// The ratios of a run: rows by payloads. Below 1 we are faster.
package struct RatioTable: Sendable {
    package let columns: [String]
    package let rows: [(row: RatioRow, ratios: [Double?])]

    /// Of the payloads that have any ratio; rows without any are left out.
    package init(_ payloads: [PayloadResult]) {
        var columns: [(name: String, ratios: [Double?])] = []
        for payload in payloads {
            let ratios = RatioRow.all.map { row -> Double? in
                guard let ours = payload.measurements.first(where: { $0.key == row.ours }),
                    let peer = payload.measurements.first(where: { $0.key == row.peer })
                else { return nil }
                return ours.ratio(to: peer)
            }
            if ratios.contains(where: { $0 != nil }) { columns.append((payload.name, ratios)) }
        }
        self.columns = columns.map(\.name)
        rows = RatioRow.all.enumerated().compactMap { place, row in
            let ratios = columns.map { $0.ratios[place] }
            return ratios.contains { $0 != nil } ? (row, ratios) : nil
        }
    }
}

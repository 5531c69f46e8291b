// Codecs in order by a figure of which less is better, and which of them cannot be told apart.
// Before it: sizes, or times by rounds. After it: Advice.

/// An order of codecs.
struct Ranking {
    struct Place {
        let codec: String
        /// How many times the best figure.
        let factor: Double
        /// Whether it is as good as the best, as far as the figures bear out.
        let isLeader: Bool
    }

    /// Closer than this is the same.
    static let margin = 1.10

    /// Best first.
    let places: [Place]

    /// By sizes, which have no noise.
    init(sizes: [(codec: String, bytes: Int)]) {
        self.init(rounds: sizes.map { ($0.codec, [Double($0.bytes)]) })
    }

    /// By times. Who is slower is slower by more than the margin, and in three of four rounds at least.
    init(rounds: [(codec: String, times: [Double])]) {
        let medians = rounds.map { Measurement.median($0.times) }
        guard let best = medians.indices.min(by: { medians[$0] < medians[$1] }) else {
            places = []
            return
        }
        places = rounds.enumerated().map { place, one in
            let ratios = zip(one.times, rounds[best].times).filter { $1 > 0 }.map { $0 / $1 }
            let factor = place == best ? 1 : Measurement.median(ratios)
            let isSlower = factor > Self.margin && ratios.count { $0 > 1 } * 4 >= ratios.count * 3
            return Place(codec: one.codec, factor: factor, isLeader: !isSlower)
        }.sorted { ($0.isLeader ? 0 : 1, $0.factor) < ($1.isLeader ? 0 : 1, $1.factor) }
    }

    var leaders: [String] { places.filter(\.isLeader).map(\.codec) }
    var isTie: Bool { places.allSatisfy(\.isLeader) }

    func leads(_ codec: String) -> Bool { leaders.contains(codec) }

    /// Why the leaders are one.
    private var closeness: String {
        places.contains { $0.isLeader && $0.factor > Self.margin } ? "too close for the noise of these rounds" : "within 10 %"
    }

    /// `MessagePack is smallest (JSON is 1.33 x as large, tnetstring 1.02 x)`; `subject`: for when there is nothing to tell.
    func clause(subject: String, best: String, verb: String, than: String) -> String {
        guard !isTie else { return "in \(subject) all are \(closeness)" }
        let factors = places.filter { !$0.isLeader }.enumerated().map { place, one in
            let factor = "\(Units.ratio(one.factor)) x"
            return place == 0 ? "\(Advice.title(one.codec)) \(verb) \(factor) \(than)" : "\(Advice.title(one.codec)) \(factor)"
        }
        let isAlone = leaders.count == 1
        let who = "\(Advice.joined(leaders)) \(isAlone ? "is" : "are") \(best)\(isAlone ? "" : ", \(closeness)")"
        return "\(who) (\(factors.joined(separator: ", ")))"
    }
}

// How the jobs of a claim are shared between levels that have weights (protocol/queues.md, "Weights"): a value without I/O. QueueRunner
// asks before a claim, and says afterwards when the claim was cut short.

import TempestProtocol

/// Why a worker's weights were refused.
public struct WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, and what weights have to be.
    public let description: String
}

/// Smooth weighted round robin: of weights 6, 3 and 1 each ten jobs are six, three and one, well mixed.
struct LevelQuotas {
    private let weights: [Int]
    /// The sum of the weights: after so many jobs the credits are what they were.
    private let round: Int
    private var credits: [Int]
    /// Kept from claim to claim, so that none allocates.
    private var quotas: [Int]
    /// How many jobs the last claim brought, when it was cut short.
    private var most = Int.max

    /// Weights from 1 to 1000; levels stand in the order of the claim.
    init(_ weights: [Int]) {
        let divisor = weights.reduce(0, Self.divisor)
        self.weights = weights.map { $0 / max(1, divisor) }
        round = self.weights.reduce(0, +)
        credits = Array(repeating: 0, count: weights.count)
        quotas = credits
    }

    /// The weights of the levels in their order. Throws when a level has none, another one is named, or a weight is not from 1 to 1000.
    static func checked(_ weights: [Level: Int], of levels: [Level]) throws(WeightsError) -> [Int] {
        guard Set(levels) == Set(weights.keys) else {
            throw WeightsError(
                description: "weights name each level of the worker once: \(levels.map(\.description).joined(separator: ", "))")
        }
        var found: [Int] = []
        for level in levels {
            let weight = weights[level] ?? 0
            guard (1...1000).contains(weight) else {
                throw WeightsError(description: "the weight of \(level) is an integer from 1 to 1000, not \(weight)")
            }
            found.append(weight)
        }
        return found
    }

    /// How many of the next `want` jobs each level gives at most while the others have enough.
    mutating func shares(of want: Int) -> [Int] {
        let (whole, rest) = min(want, most).quotientAndRemainder(dividingBy: round)
        for index in quotas.indices { quotas[index] = whole * weights[index] }
        for _ in 0..<rest {
            var chosen = 0
            for index in credits.indices {
                credits[index] += weights[index]
                if credits[index] > credits[chosen] { chosen = index }
            }
            credits[chosen] -= round
            quotas[chosen] += 1
        }
        most = .max
        return quotas
    }

    /// The claim that ``shares(of:)`` was asked for last was full of bytes before it was full of jobs: `came` are those of each level.
    mutating func cutShort(_ came: [Int]) {
        for index in credits.indices {
            let missing = quotas[index] - came[index]
            if missing > 0 { credits[index] = max(credits[index], min(round, credits[index] + missing * round)) }
        }
        most = max(1, came.reduce(0, +))
    }

    private static func divisor(_ first: Int, _ second: Int) -> Int {
        second == 0 ? first : divisor(second, first % second)
    }
}

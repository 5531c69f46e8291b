// How the jobs of a claim are shared between levels that have weights: a value that remembers what each level is owed. QueueRunner asks
// before a claim, and says afterwards what came.

import TempestProtocol

/// Shares each claim by weight over time: with 6, 3 and 1, of ten thousand jobs claimed while all levels have some, 6,000, 3,000, 1,000.
struct LevelQuotas {
    private let weights: [Double]
    /// Jobs that a level should have had beyond what it got; sums to zero.
    private var owed: [Double]

    /// Weights from 1; levels stand in the order of the claim.
    init(_ weights: [Int]) {
        self.weights = weights.map { Double($0) / Double(weights.reduce(0, +)) }
        self.owed = Array(repeating: 0, count: weights.count)
    }

    /// How many of the next `want` jobs each level gives at most, if the others have enough; sums to `want`.
    func shares(of want: Int) -> [Int] {
        let ideal = zip(weights, owed).map { max(0, $0 * Double(want) + $1) }
        var shares = ideal.map { Int($0) }
        // What rounding left goes to those who lost most by it; what it gave too much is taken from those who have most.
        while shares.reduce(0, +) < want {
            let next = shares.indices.max { ideal[$0] - Double(shares[$0]) < ideal[$1] - Double(shares[$1]) }!
            shares[next] += 1
        }
        while shares.reduce(0, +) > want {
            let next = shares.indices.max { shares[$0] < shares[$1] }!
            shares[next] -= 1
        }
        return shares
    }

    /// Takes in how many jobs came from each level. A level that had too few is owed nothing for it.
    mutating func note(_ taken: [Int], wanted: Int) {
        let total = taken.reduce(0, +)
        // A claim that was not filled found the end of every level.
        guard total == wanted, total > 0 else { return owed = owed.map { _ in 0 } }
        for index in owed.indices {
            // Bounded: a level that was empty for an hour does not get an hour's jobs afterwards.
            owed[index] = min(1, max(-1, owed[index] + weights[index] * Double(total) - Double(taken[index])))
        }
    }
}

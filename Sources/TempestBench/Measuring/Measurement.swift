// What came of timing one candidate: a time for each round.
// Before it: Rounds. After it: tables, ratios, advice, JSON and the plot.

/// The times of a candidate, one for each round: nanoseconds an operation.
package struct Measurement: Sendable {
    package let key: CandidateKey
    /// The bytes that one operation reads or writes.
    package let bytes: Int
    /// Operations in a batch.
    package let iterations: Int
    package let rounds: [Double]

    package init(_ key: CandidateKey, bytes: Int, iterations: Int, rounds: [Double]) {
        (self.key, self.bytes, self.iterations, self.rounds) = (key, bytes, iterations, rounds)
    }

    package var median: Double { Self.median(rounds) }
    package var minimum: Double { rounds.min() ?? 0 }
    /// How far the rounds lie apart: (largest - smallest) / median.
    package var spread: Double { median > 0 ? ((rounds.max() ?? 0) - minimum) / median : 0 }

    /// The median of the ratios of the rounds: both were measured within the same moment, so noise that comes and goes cancels out.
    package func ratio(to peer: Measurement) -> Double {
        Self.median(zip(rounds, peer.rounds).filter { $1 > 0 }.map { $0 / $1 })
    }

    static func median(_ numbers: [Double]) -> Double {
        let sorted = numbers.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

// Spreads what many event streams would else do in one instant: their ends when a front stops, and their browsers' return.

/// When each of many streams ends, and when its browser comes back. A value: the same for the same numbers.
struct StreamSpread: Sendable, Equatable {
    /// How long ends may take: 80 % of the grace, so that the last ones still get what was sent to them.
    let window: Duration

    /// The longest time between two ends; few streams do not hold up a shutdown.
    static let pause = Duration.milliseconds(50)

    /// - Parameters:
    ///   - streams: how many are to end.
    ///   - grace: the time in which they must have ended.
    init(streams: Int, grace: Duration) {
        window = min(grace * 4 / 5, Self.pause * max(0, streams - 1))
        count = max(0, streams)
    }

    private let count: Int

    /// How many streams have to have ended after a time; the first ends at once, the last with the window.
    func due(after elapsed: Duration) -> Int {
        guard elapsed < window else { return count }
        return min(count, 1 + Int(Double(max(0, count - 1)) * max(0, elapsed / window)))
    }

    /// Milliseconds that a stream's browser waits before it comes back: from `retry` to twice that, spread evenly over streams that are
    /// numbered one after another.
    ///
    /// - Parameter offset: of this front, 0 to 1, so that two fronts do not tell the same.
    static func retry(_ retry: Duration, stream number: Int, offset: Double) -> Int {
        let base = max(0, retry / .milliseconds(1))
        // Multiples of the golden ratio: the fractions of any run of them lie evenly.
        let place = (Double(number) * 0.618_033_988_749_895 + offset).truncatingRemainder(dividingBy: 1)
        return Int(base + base * place)
    }
}

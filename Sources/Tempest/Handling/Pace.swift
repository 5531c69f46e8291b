// Whether a handler's runs are so short that a way through the thread pool would cost more than they do. Before it: how long runs took.
// After it: whether the work loop runs the next ones itself, one after the other.

import Synchronization

/// Learns from runs how the next ones are begun.
///
/// A handler is quick once enough runs were short; then the work loop begins its jobs itself, and they leave the loop at the first
/// `await` that waits. Long runs send it to the pool again, the longer they were the longer: one of seconds for thousands of runs. A few
/// milliseconds now and then are forgiven, because the system may have given our processor to others meanwhile.
final class Pace: Sendable {
    /// A run is short up to here,
    static let short = Duration.microseconds(50)
    /// and long from here.
    static let long = Duration.milliseconds(1)
    private static let enough = 16
    private static let most = 128
    private static let least = -4096

    private let score = Atomic(0)

    var isQuick: Bool { score.load(ordering: .relaxed) >= Self.enough }

    /// Several at once may lose a count: it is a guess either way.
    func note(_ duration: Duration) {
        let found = score.load(ordering: .relaxed)
        if duration <= Self.short {
            if found < Self.most { score.store(found + 1, ordering: .relaxed) }
        } else if duration < Self.long {
            score.store(max(Self.least, found - 2), ordering: .relaxed)
        } else {
            let milliseconds = Int(clamping: duration.nanoseconds / 1_000_000)
            score.store(max(Self.least, found - 4 * min(milliseconds, 1024)), ordering: .relaxed)
        }
    }
}

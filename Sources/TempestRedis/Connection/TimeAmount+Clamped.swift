// Durations as NIO has them, without those that would overflow once a moment is added.

import NIOCore

extension TimeAmount {
    /// What is longer than 73 years counts as these: people say "for ever" by the longest duration there is.
    init(clamping duration: Duration) {
        self = min(max(TimeAmount(duration), .nanoseconds(-(1 << 61))), .nanoseconds(1 << 61))
    }
}

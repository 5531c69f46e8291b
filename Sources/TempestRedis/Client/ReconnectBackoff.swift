// How long to wait before the next attempt to connect.
// Asked by RedisClient before each attempt, told of each outcome; pure, the caller brings clock and dice.

import NIOCore

/// Exponential, from 50 ms to 1 s, with jitter: each delay is drawn from the upper half of its step, so that many clients
/// of a Redis that restarts do not come all at once; and no longer, so that all are back soon after it is.
struct ReconnectBackoff {
    static let first = TimeAmount.milliseconds(50)
    static let longest = TimeAmount.seconds(1)

    private var step: TimeAmount?
    private var notBefore: NIODeadline?
    private var connectedAt: NIODeadline?

    /// When the next attempt may start; nil: at once.
    var nextAttempt: NIODeadline? { self.notBefore }

    /// An attempt failed.
    mutating func failed(now: NIODeadline, using generator: inout some RandomNumberGenerator) {
        let step = self.step.map { min($0 * 2, Self.longest) } ?? Self.first
        self.step = step
        self.connectedAt = nil
        self.notBefore = now + .nanoseconds(.random(in: step.nanoseconds / 2...step.nanoseconds, using: &generator))
    }

    /// An attempt succeeded. The delays begin anew only once the connection has lasted: see `lost`.
    mutating func succeeded(now: NIODeadline) {
        self.connectedAt = now
        self.notBefore = nil
    }

    /// The connection was lost. One that lasted longer than the longest delay is replaced at once, a short-lived one counts as failed.
    mutating func lost(now: NIODeadline, using generator: inout some RandomNumberGenerator) {
        guard let connectedAt = self.connectedAt else { return }
        if now - connectedAt >= Self.longest {
            self = ReconnectBackoff()
        } else {
            self.failed(now: now, using: &generator)
        }
    }
}

// How long a loop waits between attempts: growing, and by chance, so that a fleet does not come back in step.

import NIOCore

struct Backoff {
    private static let first = TimeAmount.milliseconds(50)
    private static let longest = TimeAmount.seconds(1)
    private var step = Backoff.first

    /// The next delay: between half of the step and the whole; steps double from 50 ms to 1 s.
    mutating func next() -> TimeAmount {
        defer { step = min(step * 2, Self.longest) }
        return .nanoseconds(.random(in: step.nanoseconds / 2...step.nanoseconds))
    }

    mutating func reset() { step = Self.first }
}

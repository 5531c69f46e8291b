// How long a place stays empty before its worker is started again: growing, and by chance, so that many do not come back in step.
// Asked by SlotLogic.

package struct RestartBackoff: Sendable {
    package static let first = Duration.milliseconds(100)
    package static let longest = Duration.seconds(30)
    /// A worker that lived so long is taken to be well: the next delay is the first again.
    package static let healthy = Duration.seconds(30)

    private var step = RestartBackoff.first

    package init() {}

    /// The delay after a worker that has lived so long: between half of the step and the whole; steps double from 100 ms to 30 s.
    package mutating func next(lived: Duration, using generator: inout some RandomNumberGenerator) -> Duration {
        if lived >= Self.healthy { self.step = Self.first }
        defer { self.step = min(self.step * 2, Self.longest) }
        return self.step * Double.random(in: 0.5...1, using: &generator)
    }
}

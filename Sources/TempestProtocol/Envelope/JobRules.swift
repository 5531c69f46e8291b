// What a job's meta says about when and how often it may run (protocol/envelope.md, "meta"). Before it: the envelope. After it: the
// policy that decides what a failure leads to.

package import TempestCodecs

/// The keys of meta that rule a job's runs; one of the wrong type, or out of its bounds, counts as absent.
package struct JobRules: Sendable, Equatable {
    /// Which attempt this is, from 1.
    package var attempt = 1
    /// How many there may be; nil: what the handler or the default says.
    package var attempts: Int?
    /// The delays before the second attempt and at most, in milliseconds; nil: the handler's.
    package var backoff: (first: Int64, longest: Int64)? {
        get { firstDelay.map { ($0, longestDelay) } }
        set { (firstDelay, longestDelay) = (newValue?.first, newValue?.longest ?? 0) }
    }
    /// How long a run may take, in milliseconds.
    package var timeout: Int64?
    /// Not to be started after this instant of Redis' clock.
    package var expiresAt: Int64?
    /// The caller stops waiting then, by Redis' clock.
    package var deadline: Int64?
    /// Whether it is not to be run again after an interruption.
    package var once = false
    private var firstDelay: Int64?
    private var longestDelay: Int64 = 0

    package static let mostAttempts = 1_000_000
    /// A year: no delay and no time-out is longer.
    package static let longest: Int64 = 365 * 86_400_000
    /// Answers that a caller may hold.
    package static let credits: ClosedRange<Int64> = 1...1_000_000
    /// Scalars of `last_error` and of the sentence of a dead record, at most.
    package static let longestError = 500

    /// Times, in milliseconds since 1970.
    private static let moments: ClosedRange<Int64> = 0...(1 << 52)

    package init() {}

    package init(_ meta: ValueMap) {
        // Most jobs have no meta at all.
        guard !meta.isEmpty else { return }
        if let attempt = Self.integer(meta["attempt"], 1...Int64(Self.mostAttempts)) { self.attempt = Int(attempt) }
        attempts = Self.integer(meta["attempts"], 1...Int64(Self.mostAttempts)).map { Int($0) }
        if case .array(let delays)? = meta["backoff"], delays.count == 2,
            let first = Self.integer(delays[0], 0...Self.longest), let most = Self.integer(delays[1], first...Self.longest)
        {
            (firstDelay, longestDelay) = (first, most)
        }
        timeout = Self.integer(meta["timeout"], 1...Self.longest)
        expiresAt = Self.integer(meta["expires_at"], Self.moments)
        deadline = Self.integer(meta["deadline"], Self.moments)
        if case .bool(true)? = meta["once"] { once = true }
    }

    /// Whether it came too late to be begun.
    package func isOver(at now: Int64) -> Bool { isUnanswerable(at: now) || expiresAt.map { now > $0 } ?? false }

    /// Whether its caller waits no longer.
    package func isUnanswerable(at now: Int64) -> Bool { deadline.map { now > $0 } ?? false }

    /// At most so many scalars of a text as `last_error` and dead records hold.
    package static func shortened(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(longestError)))
    }

    /// The integer, if it is one within the range.
    package static func integer(_ value: Value?, _ range: ClosedRange<Int64>) -> Int64? {
        guard case .int(let number)? = value, range.contains(number) else { return nil }
        return number
    }
}

// What a failure leads to: another attempt, or the end. A value and a pure function; JobRun asks, the ledger applies.

import TempestCodecs
import TempestProtocol

/// How often a job is tried, and how long it waits between attempts.
///
/// A job that somebody waits for is tried once, unless its policy or the job itself says otherwise: its caller learns of the failure at
/// once. A job that nobody waits for is tried 25 times, which with the default delays takes about twelve days.
public struct RetryPolicy: Sendable {
    /// Attempts in all, from 1; nil: 1 for a job with a caller, 25 for one without. The job's own `attempts` goes before it.
    public var attempts: Int?
    /// The wait after the first failure; each further one doubles it.
    public var first: Duration
    /// The longest wait; no wait is longer than 365 days.
    public var longest: Duration
    /// Whether an error is worth another attempt. Arguments that do not fit the handler never are.
    public var retries: @Sendable (any Error) -> Bool

    public init(
        attempts: Int? = nil, first: Duration = .seconds(15), longest: Duration = .seconds(86_400),
        retries: @escaping @Sendable (any Error) -> Bool = { _ in true }
    ) {
        precondition(attempts ?? 1 > 0, "a job is tried at least once")
        (self.attempts, self.first, self.longest, self.retries) = (attempts, first, longest, retries)
    }

    /// The defaults.
    public static let standard = RetryPolicy()
    /// One attempt, whatever happens, unless the job itself asks for more.
    public static let never = RetryPolicy(attempts: 1)

    static let attemptsWithoutCaller = 25

    /// Attempts that a job gets.
    func limit(_ rules: JobRules, hasCaller: Bool) -> Int {
        min(rules.attempts ?? attempts ?? (hasCaller ? 1 : Self.attemptsWithoutCaller), JobRules.mostAttempts)
    }

    /// Milliseconds until the attempt after `attempt`: `first` doubled for each failure before, at most `longest`, then by chance between
    /// half of it and the whole, so that what failed together does not come back together.
    func delay(after attempt: Int, _ rules: JobRules, using random: inout some RandomNumberGenerator) -> Int64 {
        let (first, longest) = rules.backoff ?? (self.first.nanoseconds / 1_000_000, self.longest.nanoseconds / 1_000_000)
        let doublings = min(attempt - 1, 40)
        let whole = min(longest, first > longest >> Int64(doublings) ? longest : first << Int64(doublings), JobRules.longest)
        return whole <= 1 ? max(0, whole) : Int64.random(in: whole / 2...whole, using: &random)
    }
}

/// Thrown by a handler that wants its job to be tried again later: `throw context.retry(after: .seconds(30))`.
///
/// It counts as an attempt. A job whose number of attempts nobody set is tried 25 times so, also when it has a caller, who then waits on.
public struct JobRetry: Error, Sendable, CustomStringConvertible {
    /// How long the job waits, at most 365 days; nil: as its handler's policy says, or the job itself.
    public var delay: Duration?
    /// Why, for people: kept with the job, and told to its caller when that was its last attempt.
    public var reason: String

    public init(after delay: Duration? = nil, reason: String = "the handler asked for another attempt") {
        (self.delay, self.reason) = (delay, reason)
    }

    public var description: String { reason }
}

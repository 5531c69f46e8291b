// How a job is to be run, said by whoever pushes it: becomes the meta of its envelope. Before it: push or call. After it: JobRules, in
// the worker.

import TempestCodecs
import TempestProtocol

/// What a job brings along about its own runs; what is left out, its handler's policy says.
public struct JobOptions: Sendable {
    /// Attempts in all, from 1 to 1,000,000.
    public var attempts: Int?
    /// The wait after the first failure, doubled after each further one, up to the longest. Each at most a year.
    public var backoff: (first: Duration, longest: Duration)?
    /// How long a run may take; then its handler is cancelled, which counts as a failure.
    public var timeout: Duration?
    /// How long after now the job is still worth beginning: when no worker was free by then it is skipped.
    public var expires: Duration?
    /// When a worker ends while it runs the job, the job is not run again, because it may have been carried out: it is recorded as dead,
    /// `interrupted`, and its caller gets ``CallError/Code/interrupted``. A failure of the handler is retried as any other.
    public var once: Bool

    public init(
        attempts: Int? = nil, backoff: (first: Duration, longest: Duration)? = nil, timeout: Duration? = nil,
        expires: Duration? = nil, once: Bool = false
    ) {
        (self.attempts, self.backoff, self.timeout, self.expires) = (attempts, backoff, timeout, expires)
        self.once = once
    }

    /// Whether times on Redis' clock must be known to write it.
    var needsClock: Bool { expires != nil }

    /// The keys of meta; `now` is Redis' clock.
    func write(to meta: inout ValueMap, now: Int64?) {
        if let attempts { meta["attempts"] = .int(Int64(min(max(1, attempts), JobRules.mostAttempts))) }
        if let backoff {
            let first = Self.milliseconds(backoff.first, from: 0)
            meta["backoff"] = .array([.int(first), .int(max(first, Self.milliseconds(backoff.longest, from: 0)))])
        }
        if let timeout { meta["timeout"] = .int(Self.milliseconds(timeout, from: 1)) }
        if once { meta["once"] = true }
        if let expires, let now { meta["expires_at"] = .int(now + Self.milliseconds(expires, from: 0)) }
    }

    private static func milliseconds(_ duration: Duration, from least: Int64) -> Int64 {
        min(max(least, duration.nanoseconds / 1_000_000), JobRules.longest)
    }
}

/// When a job is due.
public struct JobTime: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00Z.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// From Foundation: `JobTime(secondsSince1970: date.timeIntervalSince1970)`.
    public init(secondsSince1970 seconds: Double) {
        milliseconds = Int64(min(max(0, seconds * 1000), 0x1p52))
    }

    public static func < (left: JobTime, right: JobTime) -> Bool { left.milliseconds < right.milliseconds }
}

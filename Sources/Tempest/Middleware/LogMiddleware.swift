// A line a job at debug: a worker that does well is silent. What else becomes of jobs JobEnd says.

import Logging

/// Logs each job that was done, at debug, with how long that took. Failures are logged with or without it. Payloads are never logged.
public struct LogMiddleware: IdleMiddleware {
    public init() {}

    func isIdle(_ logger: Logger) -> Bool { logger.logLevel > .debug }

    public func handle(_ context: JobContext, next: @Sendable (JobContext) async throws -> JobReply) async throws -> JobReply {
        let start = ContinuousClock.now
        let reply = try await next(context)
        // A job's own logger costs more than most jobs: it is not made for a line that nobody reads.
        guard context.logs(.debug) else { return reply }
        context.logger.debug("job done", metadata: [LogKey.duration: "\(Self.milliseconds(since: start))"])
        return reply
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}

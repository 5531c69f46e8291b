// How long handlers run and how many do: what an operator's dashboard shows first.

import Logging
import Metrics
import Synchronization

/// Measures each job: `tempest_job_duration_seconds` and `tempest_jobs_running`.
public final class MetricsMiddleware: IdleMiddleware {
    private struct Place: Hashable {
        var queue: String
        var action: String
    }

    /// Metrics are made once an action and queue, not once a job.
    private let timers = Mutex<[Place: Timer]>([:])
    private let gauges = Mutex<[String: (gauge: Gauge, running: Int)]>([:])

    public init() {}

    /// Whether nobody collects metrics.
    func isIdle(_: Logger) -> Bool { !Telemetry.isMeasured }

    public func handle(_ context: JobContext, next: @Sendable (JobContext) async throws -> JobReply) async throws -> JobReply {
        let queue = context.queue.description
        change(queue, by: 1)
        let start = ContinuousClock.now
        defer {
            let (seconds, attoseconds) = start.duration(to: .now).components
            timer(queue, context.job.action).recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
            change(queue, by: -1)
        }
        return try await next(context)
    }

    private func timer(_ queue: String, _ action: String) -> Timer {
        timers.withLock { timers in
            let key = Place(queue: queue, action: action)
            if let timer = timers[key] { return timer }
            let timer = Timer(label: MetricName.duration, dimensions: [("queue", queue), ("action", action)])
            timers[key] = timer
            return timer
        }
    }

    private func change(_ queue: String, by step: Int) {
        gauges.withLock { gauges in
            var entry = gauges[queue] ?? (Gauge(label: MetricName.running, dimensions: [("queue", queue)]), 0)
            entry.running += step
            gauges[queue] = entry
            entry.gauge.record(entry.running)
        }
    }
}

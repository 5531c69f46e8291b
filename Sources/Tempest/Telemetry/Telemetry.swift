// The names that operators build dashboards on: metrics, log metadata and spans. Decided once, listed in docs/telemetry.md.

import CoreMetrics
import Instrumentation

/// Whether anybody collects what is measured here: each job would pay for it even where nobody does.
enum Telemetry {
    static var isMeasured: Bool { !(MetricsSystem.factory is NOOPMetricsHandler) }
    static var isTraced: Bool { !(InstrumentationSystem.instrument is NoOpInstrument) }
}

/// Metrics, as swift-metrics labels and dimensions. `action` is a registered action or `unknown`: a producer cannot make up
/// dimensions.
enum MetricName {
    /// Counter {queue, level}: jobs taken from Redis.
    static let claimed = "tempest_jobs_claimed_total"
    /// Counter {queue, action, outcome = done | failed | retried | expired | cancelled | dead | stale}: claims ended.
    static let settled = "tempest_jobs_settled_total"
    /// Timer {queue, action}: how long handlers ran.
    static let duration = "tempest_job_duration_seconds"
    /// Gauge {queue}: handlers running now.
    static let running = "tempest_jobs_running"
    /// Counter {queue}: jobs pushed by this process.
    static let pushed = "tempest_jobs_pushed_total"
    /// Timer {queue, action}: from push to the last answer, at the caller.
    static let call = "tempest_call_duration_seconds"
    /// Counter {queue}: answers that came for nobody: late, or twice.
    static let late = "tempest_answers_late_total"
    /// Counter {outcome = taken | refused | unreachable}: answers sent straight to a node (protocol/answers.md).
    static let direct = "tempest_direct_answers_total"
    /// Counter {queue}: connections to Redis lost.
    static let lost = "tempest_redis_connections_lost_total"
}

/// Keys of log metadata.
enum LogKey {
    static let queue = "queue"
    static let level = "level"
    static let action = "action"
    static let job = "job_id"
    static let process = "process"
    static let error = "error"
    static let reason = "reason"
    static let duration = "duration_ms"
    static let attempt = "attempt"
    static let attempts = "attempts"
    static let delay = "delay_ms"
    static let patience = "patience_ms"
    static let code = "code"
    static let claim = "claim"
    static let jobs = "jobs"
    static let grace = "grace_s"
}

/// Spans: `publish <action>` at the producer, `process <action>` in the worker, as OpenTelemetry's messaging conventions name
/// them; attributes `messaging.system` = tempest, `messaging.destination.name`, `messaging.message.id`.
enum SpanName {
    static func publish(_ action: String) -> String { "publish \(action)" }
    static func process(_ action: String) -> String { "process \(action)" }
}

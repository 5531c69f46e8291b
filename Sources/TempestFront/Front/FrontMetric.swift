// The names of the front's metrics, listed in docs/telemetry.md.

/// As swift-metrics labels. `route` is a pattern of the configuration, never a path of a browser.
enum FrontMetric {
    /// Gauge {route, queue}: requests that wait for their first answer.
    static let pending = "tempest_front_pending"
    /// Timer {route, queue}: from a request to the head of its response.
    static let duration = "tempest_front_request_seconds"
    /// Counter {status = 1xx … 5xx}: responses.
    static let responses = "tempest_front_responses_total"
}

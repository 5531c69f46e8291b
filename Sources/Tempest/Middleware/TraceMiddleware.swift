// Continues the caller's trace: meta.traceparent becomes the parent of the span around the handler.

import Instrumentation
import Logging
import TempestCodecs
import TempestProtocol
import Tracing

/// Runs each handler within a span `process <action>`.
public struct TraceMiddleware: IdleMiddleware {
    public init() {}

    /// Without a tracer there is nobody to tell.
    func isIdle(_: Logger) -> Bool { !Telemetry.isTraced }

    public func handle(_ context: JobContext, next: @Sendable (JobContext) async throws -> JobReply) async throws -> JobReply {
        var service = ServiceContext.current ?? .topLevel
        InstrumentationSystem.instrument.extract(context.job.meta, into: &service, using: TraceCarrier())
        return try await withSpan(SpanName.process(context.job.action), context: service, ofKind: .consumer) { span in
            span.attributes["messaging.system"] = "tempest"
            span.attributes["messaging.destination.name"] = context.queue.description
            span.attributes["messaging.message.id"] = context.job.id.description
            return try await next(context)
        }
    }
}

/// Reads and writes trace context in a job's meta: `traceparent`, `tracestate`.
struct TraceCarrier: Extractor, Injector {
    func extract(key: String, from meta: ValueMap) -> String? {
        if case .text(let text)? = meta[key] { text } else { nil }
    }

    func inject(_ value: String, forKey key: String, into meta: inout ValueMap) {
        if key == "traceparent" || key == "tracestate" { meta[key] = .text(value) }
    }
}

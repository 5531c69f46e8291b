// What runs around every handler: logs, metrics and traces come as such, and users add their own.

import Logging

/// Something that runs around handlers: the first one registered is the outermost.
///
/// Called by a worker for each job whose action has a handler. To return means that the job is answered with what `next` returned; to
/// throw means what it means in a handler (``HandlerError`` is the caller's to see). `next` may be left uncalled to refuse a job. When
/// the worker stops and its grace time is over, the task is cancelled: let `CancellationError` through, the job has been given back.
public protocol WorkerMiddleware: Sendable {
    func handle(_ context: JobContext, next: @Sendable (JobContext) async throws -> JobReply) async throws -> JobReply
}

/// Middleware of ours that has nothing to do in some programs: it is left out there, because even an empty one costs each job something.
protocol IdleMiddleware: WorkerMiddleware {
    /// Asked once when a worker starts, with the logger of its jobs.
    func isIdle(_ logger: Logger) -> Bool
}

extension [any WorkerMiddleware] {
    /// Those that have something to do.
    func busy(_ logger: Logger) -> Self { filter { !(($0 as? any IdleMiddleware)?.isIdle(logger) ?? false) } }
}

/// What a handler answered, as middleware passes it along.
public struct JobReply: Sendable {
    var reply: HandlerReply
}

/// Calls middleware from the outermost to the handler.
struct MiddlewareChain: Sendable {
    private let rest: ArraySlice<any WorkerMiddleware>
    private let handler: Handler

    init(_ rest: ArraySlice<any WorkerMiddleware>, _ handler: @escaping Handler) {
        (self.rest, self.handler) = (rest, handler)
    }

    func run(_ context: JobContext) async throws -> HandlerReply {
        guard let first = rest.first else { return try await handler(context) }
        let inner = MiddlewareChain(rest.dropFirst(), handler)
        return try await first.handle(context) { context in JobReply(reply: try await inner.run(context)) }.reply
    }
}

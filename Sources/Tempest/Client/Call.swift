// Request and reply: a job whose caller waits for one answer.

import Metrics
import NIOCore
import Synchronization
public import TempestCodecs
public import TempestProtocol
import TempestRedis
import Tracing

extension TempestClient {
    /// Calls an action and waits for its answer, decoded as `Reply`.
    ///
    /// Throws ``CallError``: `.remote` with the worker's error, `.timedOut` when no answer came in time (the job may still run),
    /// `.badAnswer` when the answer is no `Reply`, `.closed` at shutdown; ``RedisError`` when the job could not be pushed; and
    /// `CancellationError`. If a worker sends several answers, the last one is returned. Nobody begins the job any more once `timeout` has
    /// passed by Redis' clock. With a ``Route`` the answer is that of its last step. A failure is answered when the job has no attempts left: it has one unless `options` gives it more.
    public func call<each Argument: Encodable, Reply: Decodable>(
        _ action: String, _ arguments: repeat each Argument, queue: String? = nil, level: Level = .default,
        codec: (any Codec)? = nil, timeout: Duration? = nil, options: JobOptions = JobOptions(), route: Route = [],
        as _: Reply.Type = Reply.self
    ) async throws -> Reply {
        let job = try JobRequest(action, repeat each arguments)
        let answer = try await answer(to: job, queue: queue, level: level, codec: codec, timeout: timeout, options, route)
        return try Self.decode(answer, as: Reply.self)
    }

    /// The same for an action that answers nothing.
    public func call<each Argument: Encodable>(
        _ action: String, _ arguments: repeat each Argument, queue: String? = nil, level: Level = .default,
        codec: (any Codec)? = nil, timeout: Duration? = nil, options: JobOptions = JobOptions(), route: Route = []
    ) async throws {
        let job = try JobRequest(action, repeat each arguments)
        _ = try await answer(to: job, queue: queue, level: level, codec: codec, timeout: timeout, options, route)
    }

    static func decode<Reply: Decodable>(_ answer: Answer, as _: Reply.Type) throws -> Reply {
        guard answer.args.count > 0 else {
            if let nothing = (Reply.self as? any ExpressibleByNilLiteral.Type)?.init(nilLiteral: ()) as? Reply { return nothing }
            throw CallError(.badAnswer, "the answer is empty", job: answer.id)
        }
        do {
            // One element for a value; what has several is an array of them.
            return try (answer.args.count == 1 ? answer.args[0] : answer.args).typed(Reply.self)
        } catch let error as DecodingError {
            throw CallError(.badAnswer, DecodingTrouble.sentence(error, at: "answer"), job: answer.id)
        }
    }

    /// The last answer to a job.
    private func answer(
        to job: JobRequest, queue: String?, level: Level, codec: (any Codec)?, timeout: Duration?, _ rules: JobOptions,
        _ route: Route
    ) async throws -> Answer {
        let name = try QueueName(queue ?? options.queue)
        let start = ContinuousClock.now
        defer {
            if Telemetry.isMeasured {
                Timer(label: MetricName.call, dimensions: [("queue", name.description), ("action", job.action)])
                    .recordNanoseconds(start.duration(to: .now).nanoseconds)
            }
        }
        guard Telemetry.isTraced else { return try await answer(to: job, name, level, codec, timeout, rules, route) }
        return try await withSpan(SpanName.publish(job.action), ofKind: .producer) { span in
            span.attributes["messaging.system"] = "tempest"
            span.attributes["messaging.destination.name"] = name.description
            span.attributes["messaging.message.id"] = job.id.description
            return try await answer(to: job, name, level, codec, timeout, rules, route)
        }
    }

    private func answer(
        to job: JobRequest, _ name: QueueName, _ level: Level, _ codec: (any Codec)?, _ timeout: Duration?, _ rules: JobOptions,
        _ route: Route
    ) async throws -> Answer {
        let steps = try route.meta()
        let timeout = timeout ?? options.timeout
        if isOriginal(name) { return try await directAnswer(to: job, name, level, timeout, steps) }
        let codec = try answerable(codec)
        let start = NIODeadline.now()
        let inbox = try await inbox(name, for: timeout)
        let left = try left(of: timeout, since: start, job: job.id)
        let payload = try payload(job, respondTo: inbox.id, codec: codec) { meta in
            let now = serverClock.now
            rules.write(to: &meta, now: now)
            meta["route"] = steps
            if let now, !options.fourElements { meta["deadline"] = .int(now + left.milliseconds) }
        }
        let pending = PendingCall(job.id)
        try begin(job.id) { pending.end(.failure(CallError(.closed, "the client was shut down", job: job.id))) }
        inbox.expect(job.id) { if case .answer(let answer) = $0 { pending.receive(answer) } else { true } }
        let alarm = alarms.set(in: .nanoseconds(left.nanoseconds)) {
            pending.end(.failure(CallError(.timedOut, "no answer within \(timeout)", job: job.id)))
        }
        defer {
            alarms.cancel(alarm)
            inbox.forget(job.id)
            over(job.id)
        }
        pushes.push(Keys.level(name, level), payload) { result in
            if case .failure(let error) = result { pending.end(.failure(error)) }
        }
        return try await pending.answer()
    }

    /// What a call has of its time after it has waited for Redis, which is a part of it. Throws ``CallError`` when nothing is left: no worker
    /// would begin the job.
    func left(of timeout: Duration, since start: NIODeadline, job: JobID) throws -> Duration {
        let left = timeout - .nanoseconds((NIODeadline.now() - start).nanoseconds)
        guard left > .zero else {
            throw CallError(.timedOut, "no answer within \(timeout): Redis was not ready for the job by then", job: job)
        }
        return left
    }
}

/// One call under way: ended once, by its last answer, its time-out, its cancellation or the client's end.
final class PendingCall: Sendable {
    private struct State {
        var conversation = Conversation(usesParts: false)
        var result: Result<Answer, any Error>?
        var waiter: CheckedContinuation<Answer, any Error>?
    }

    private let job: JobID
    private let state = Mutex(State())

    init(_ job: JobID) { self.job = job }

    /// How it ended, once it has.
    var result: Result<Answer, any Error>? { state.withLock { $0.result } }

    /// Returns whether the answer was of use.
    func receive(_ answer: Answer) -> Bool {
        let (isOfUse, last, over) = state.withLock { state in
            guard state.result == nil else { return (false, Answer?.none, Result<Void, Conversation.CallFailure>?.none) }
            return (state.conversation.receive(answer), state.conversation.take(), state.conversation.end)
        }
        switch over {
        case .success: last.map { end(.success($0)) }
        case .failure(let failure): end(.failure(CallError(failure, job: job)))
        case nil: break
        }
        return isOfUse
    }

    func end(_ result: Result<Answer, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Answer, any Error>? in
            guard state.result == nil else { return nil }
            state.result = result
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(with: result)
    }

    func answer() async throws -> Answer {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Answer, any Error>? in
                    if state.result == nil { state.waiter = continuation }
                    return state.result
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            end(.failure(CancellationError()))
        }
    }
}

// Several answers to one job, as they come.

import NIOCore
import Synchronization
public import TempestCodecs
public import TempestProtocol
import TempestRedis

extension TempestClient {
    /// Calls an action and returns its answers one by one, as they come, each decoded as `Element`.
    ///
    /// `timeout` is the longest time to the first answer and between two; a job that has not been begun by then is not begun any more. The sequence throws what `call` throws; ``CallError/Code/interrupted`` means
    /// that the worker died after some answers had come and that another one began the job again. An empty last answer ends the
    /// sequence without an element.
    public func stream<each Argument: Encodable, Element: Decodable & Sendable>(
        _ action: String, _ arguments: repeat each Argument, queue: String? = nil, level: Level = .default,
        codec: (any Codec)? = nil, timeout: Duration? = nil, options: JobOptions = JobOptions(), route: Route = [],
        of _: Element.Type = Element.self
    ) async throws -> AnswerStream<Element> {
        try await stream(
            JobRequest(action, repeat each arguments), queue: queue, level: level, codec: codec, timeout: timeout,
            options: options,
            route: route, of: Element.self)
    }

    /// The same for a job that was made before.
    public func stream<Element: Decodable & Sendable>(
        _ job: JobRequest, queue: String? = nil, level: Level = .default, codec: (any Codec)? = nil, timeout: Duration? = nil,
        options rules: JobOptions = JobOptions(), route: Route = [], of _: Element.Type = Element.self
    ) async throws -> AnswerStream<Element> {
        let name = try QueueName(queue ?? options.queue)
        let steps = try route.meta()
        if isOriginal(name) {
            return try await directStream(job, name, level, timeout ?? options.timeout, steps, of: Element.self)
        }
        let codec = try answerable(codec)
        let inbox = try await inbox(name, for: timeout ?? options.timeout)
        let payload = try payload(job, respondTo: inbox.id, codec: codec) { meta in
            let now = serverClock.now
            rules.write(to: &meta, now: now)
            meta["route"] = steps
            if let now, !options.fourElements {
                meta["deadline"] = .int(now + (timeout ?? options.timeout).nanoseconds / 1_000_000)
            }
        }
        let (answers, continuation) = AsyncThrowingStream.makeStream(of: Answer.self)
        let pending = PendingStream(job.id, timeout ?? options.timeout, on: alarms, continuation)
        continuation.onTermination = { _ in
            pending.stop()
            inbox.forget(job.id)
            self.over(job.id)
        }
        try begin(job.id) { continuation.finish(throwing: CallError(.closed, "the client was shut down", job: job.id)) }
        inbox.expect(job.id) { if case .answer(let answer) = $0 { pending.receive(answer) } }
        pending.arm()
        do {
            try await pushes.push(Keys.level(name, level), payload)
        } catch {
            continuation.finish(throwing: error)
            throw error
        }
        return AnswerStream(answers: answers)
    }
}

/// The answers to one job. It can be iterated once; to stop early, stop iterating.
public struct AnswerStream<Element: Decodable & Sendable>: AsyncSequence, Sendable {
    let answers: AsyncThrowingStream<Answer, any Error>

    public func makeAsyncIterator() -> Iterator { Iterator(answers: answers.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        var answers: AsyncThrowingStream<Answer, any Error>.Iterator

        public mutating func next() async throws -> Element? { try await next(isolation: nil) }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            guard let answer = try await answers.next(isolation: actor) else { return nil }
            // A handler that ends without a value after its parts.
            if !answer.more && answer.args.count == 0 { return nil }
            return try TempestClient.decode(answer, as: Element.self)
        }
    }
}

private final class PendingStream: Sendable {
    private let job: JobID
    private let timeout: Duration
    private let alarms: AlarmClock
    private let continuation: AsyncThrowingStream<Answer, any Error>.Continuation
    private let state = Mutex((conversation: Conversation(usesParts: true), alarm: AlarmClock.Alarm?.none))

    init(
        _ job: JobID, _ timeout: Duration, on alarms: AlarmClock,
        _ continuation: AsyncThrowingStream<Answer, any Error>.Continuation
    ) {
        (self.job, self.timeout, self.alarms, self.continuation) = (job, timeout, alarms, continuation)
    }

    /// The time to the next answer begins.
    func arm() {
        let alarm = alarms.set(in: .nanoseconds(timeout.nanoseconds)) {
            self.continuation.finish(
                throwing: CallError(.timedOut, "no answer within \(self.timeout)", job: self.job))
        }
        let old = state.withLock { state in
            defer { state.alarm = alarm }
            return state.alarm
        }
        if let old { alarms.cancel(old) }
    }

    func stop() {
        if let alarm = state.withLock({ $0.alarm }) { alarms.cancel(alarm) }
    }

    func receive(_ answer: Answer) {
        let delivery = state.withLock { $0.conversation.receive(answer) }
        for answer in delivery.answers { continuation.yield(answer) }
        switch delivery.end {
        case .success: continuation.finish()
        case .failure(.remote(let failure)): continuation.finish(throwing: CallError(failure, job: job))
        case .failure(.interrupted):
            continuation.finish(
                throwing: CallError(.interrupted, "the worker died after some answers, and another began anew", job: job))
        case nil: if !delivery.answers.isEmpty { arm() }
        }
    }
}

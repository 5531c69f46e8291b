// Several answers to one job, as they come.

import NIOCore
public import TempestCodecs
public import TempestProtocol
import TempestRedis

extension TempestClient {
    /// Calls an action and returns its answers one by one, as they come, each decoded as `Element`.
    ///
    /// `timeout` is the longest time that the sequence waits for an answer; a job that has not been begun by then is not begun any more. The
    /// sequence throws what `call` throws; ``CallError/Code/interrupted`` means that the worker died after some answers had been taken and
    /// that another one began the job again. An answer without a value is no element. Whoever stops before the end lets go of the sequence:
    /// its job is cancelled then.
    ///
    /// `credits` is how many answers may wait here, from 1 to 1,000,000: the worker pauses when there are so many, and fails with the error `stalled`
    /// when none is taken for 30 s. nil: it never pauses, and all wait here.
    public func stream<each Argument: Encodable, Element: Decodable & Sendable>(
        _ action: String, _ arguments: repeat each Argument, queue: String? = nil, level: Level = .default,
        codec: (any Codec)? = nil, timeout: Duration? = nil, options: JobOptions = JobOptions(), route: Route = [],
        credits: Int? = 1000, of _: Element.Type = Element.self
    ) async throws -> AnswerStream<Element> {
        try await stream(
            JobRequest(action, repeat each arguments), queue: queue, level: level, codec: codec, timeout: timeout,
            options: options,
            route: route, credits: credits, of: Element.self)
    }

    /// The same for a job that was made before.
    public func stream<Element: Decodable & Sendable>(
        _ job: JobRequest, queue: String? = nil, level: Level = .default, codec: (any Codec)? = nil, timeout: Duration? = nil,
        options rules: JobOptions = JobOptions(), route: Route = [], credits: Int? = 1000, of _: Element.Type = Element.self
    ) async throws -> AnswerStream<Element> {
        let name = try QueueName(queue ?? options.queue)
        let steps = try route.meta()
        if isOriginal(name) {
            return try await directStream(job, name, level, timeout ?? options.timeout, steps, of: Element.self)
        }
        let codec = try answerable(codec)
        let start = NIODeadline.now()
        let timeout = timeout ?? options.timeout
        let inbox = try await inbox(name, for: timeout)
        let left = try left(of: timeout, since: start, job: job.id)
        let window = options.fourElements ? 0 : credits.map { max(1, $0) } ?? 0
        let correspondence = Correspondence(
            job.id, queue: name, patience: timeout, window: window, mostWaiting: nil, client: self)
        let payload = try payload(job, respondTo: inbox.id, codec: codec) { meta in
            let now = serverClock.now
            rules.write(to: &meta, now: now)
            meta["route"] = steps
            if correspondence.window > 0 { meta["credits"] = .int(Int64(correspondence.window)) }
            if let now, !options.fourElements { meta["deadline"] = .int(now + left.milliseconds) }
        }
        try begin(job.id) {
            correspondence.finish(.failure(CallError(.closed, "the client was shut down", job: job.id)))
        }
        inbox.expect(job.id) { correspondence.hear($0) }
        correspondence.arm(since: start)
        do {
            try await pushes.push(Keys.level(name, level), payload)
        } catch {
            correspondence.end()
            throw error
        }
        return AnswerStream(correspondence)
    }
}

/// The answers to one job. It can be iterated once; to stop early, stop iterating and let go of it.
public struct AnswerStream<Element: Decodable & Sendable>: AsyncSequence, Sendable {
    private let reading: AnswerReading

    init(_ correspondence: Correspondence) { reading = AnswerReading(correspondence) }

    public func makeAsyncIterator() -> Iterator { Iterator(reading: reading) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reading: AnswerReading

        public mutating func next() async throws -> Element? { try await next(isolation: nil) }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            // What has no value, as the last answer of a handler that returns nothing, is no element.
            while let answer = try await reading.next() {
                if answer.args.count > 0 { return try TempestClient.decode(answer, as: Element.self) }
            }
            return nil
        }
    }
}

/// Takes answers one after the other, says that they are used, and ends their correspondence when it is let go of.
private final class AnswerReading: Sendable {
    private let correspondence: Correspondence

    init(_ correspondence: Correspondence) { self.correspondence = correspondence }

    deinit { correspondence.end() }

    func next() async throws -> Answer? {
        do {
            if let answer = try await correspondence.next() {
                correspondence.used()
                return answer
            }
        } catch {
            correspondence.end()
            throw error
        }
        correspondence.end()
        return nil
    }
}

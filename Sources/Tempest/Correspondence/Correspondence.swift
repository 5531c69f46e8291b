// One job and its answers, taken one by one by one reader, with credits for the worker and a bound on what waits. Before it: a letter.
// After it: what the reader makes of the answers.

import NIOCore
import Synchronization
package import TempestProtocol
import TempestRedis

/// The answers to one letter.
///
/// One task reads it by ``next()`` and says how far it is by ``used()``; whoever learns that nobody wants the answers any more says
/// ``end()``, from anywhere.
package final class Correspondence: Sendable {
    private struct State {
        var conversation = Conversation(usesParts: true)
        var waiting: [Answer] = []
        /// Where in `waiting` the next one is.
        var first = 0
        var bytes = 0
        var result: Result<Void, any Error>?
        var reader: CheckedContinuation<Answer?, any Error>?
        var alarm: Scheduled<Void>?
        var hasLastAnswer = false
        var isOver = false
        var used = 0
        var credited = 0
    }

    /// How many bytes of answers wait for the reader at most.
    private static let mostWaiting = 8 << 20
    /// How long a cancellation outlives the deadline of the job that it is for.
    private static let remembered = Duration.seconds(300)

    package let id: JobID
    private let queue: QueueName
    private let patience: Duration
    private let window: Int
    private let client: TempestClient
    private let state = Mutex(State())

    fileprivate init(_ letter: Letter, patience: Duration, window: Int, client: TempestClient) {
        (self.id, self.queue, self.patience, self.window, self.client) = (letter.id, letter.queue, patience, window, client)
    }

    /// The next answer, in order; nil after the last one. Throws ``CallError``, ``RedisError`` when the letter could not be pushed, or
    /// `CancellationError`.
    package func next() async throws -> Answer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready = state.withLock { state -> Result<Answer?, any Error>? in
                    if state.first < state.waiting.count { return .success(Self.take(&state)) }
                    if let result = state.result { return result.map { nil } }
                    state.reader = continuation
                    return nil
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            finish(.failure(CancellationError()))
        }
    }

    /// The reader is done with one more answer: its worker may send another.
    package func used() {
        let used = state.withLock { state -> Int? in
            state.used += 1
            // Said seldom: a worker that has half a window left need not hear of each.
            guard window > 0, state.used - state.credited >= max(1, window / 2), !state.hasLastAnswer else { return nil }
            state.credited = state.used
            return state.used
        }
        if let used { credit([.init(id.description), .init(used)]) }
    }

    /// Nobody wants more: a job that has not been answered to the end is cancelled, where it waits and where it runs.
    package func end() {
        let (isFirst, wants, credited) = state.withLock { state -> (Bool, Bool, Bool) in
            defer { state.isOver = true }
            return (
                !state.isOver, !state.hasLastAnswer && state.result == nil || Self.isTimeOut(state.result), state.credited > 0
            )
        }
        guard isFirst else { return }
        finish(.failure(CancellationError()))
        client.leave(id, queue: queue)
        client.over(id)
        if credited { credit([.init(id.description)]) }
        guard wants else { return }
        let milliseconds = Int64((patience + Self.remembered) / .milliseconds(1))
        _ = client.redis.connection().flatMap { [id, queue] in
            $0.send(.fcall(FunctionLibrary.cancel, key: queue.description, [.init(id.description), .init(milliseconds)]))
        }
    }

    // MARK: What comes

    fileprivate var isAnswered: Bool { state.withLock { $0.result != nil || !$0.waiting.isEmpty || $0.used > 0 } }

    fileprivate func receive(_ answer: Answer) {
        let (reader, taken, end) = state.withLock {
            state -> (CheckedContinuation<Answer?, any Error>?, Answer?, Result<Void, any Error>?) in
            guard state.result == nil else { return (nil, nil, nil) }
            let delivery = state.conversation.receive(answer)
            for answer in delivery.answers {
                state.waiting.append(answer)
                state.bytes += answer.size
            }
            var end: Result<Void, any Error>?
            switch delivery.end {
            case .success:
                (state.hasLastAnswer, end) = (true, .success(()))
            case .failure(.remote(let failure)):
                (state.hasLastAnswer, end) = (true, .failure(CallError(failure, job: id)))
            case .failure(.interrupted):
                end = .failure(CallError(.interrupted, "the worker died after some answers, and another began anew", job: id))
            case nil: break
            }
            if state.bytes > Self.mostWaiting, state.waiting.count - state.first > 1 {
                end = .failure(
                    CallError(.interrupted, "more than \(Self.mostWaiting) bytes of answers wait for the reader", job: id))
            }
            guard let reader = state.reader, state.first < state.waiting.count else { return (nil, nil, end) }
            state.reader = nil
            return (reader, Self.take(&state), end)
        }
        if let end { finish(end) } else { arm() }
        if let reader, let taken { reader.resume(returning: taken) }
    }

    /// The time to the next answer begins.
    fileprivate func arm() {
        let alarm = client.redis.eventLoop.scheduleTask(in: .nanoseconds(patience.nanoseconds)) {
            self.finish(.failure(CallError(.timedOut, "no answer within \(self.patience)", job: self.id)))
        }
        let old = state.withLock { state -> Scheduled<Void>? in
            guard state.result == nil else { return alarm }
            defer { state.alarm = alarm }
            return state.alarm
        }
        old?.cancel()
    }

    fileprivate func finish(_ result: Result<Void, any Error>) {
        let (reader, alarm) = state.withLock { state -> (CheckedContinuation<Answer?, any Error>?, Scheduled<Void>?) in
            guard state.result == nil else { return (nil, nil) }
            state.result = result
            defer { (state.reader, state.alarm) = (nil, nil) }
            return (state.reader, state.alarm)
        }
        alarm?.cancel()
        reader?.resume(with: result.map { nil })
    }

    private static func take(_ state: inout State) -> Answer {
        let answer = state.waiting[state.first]
        state.first += 1
        state.bytes -= answer.size
        if state.first == state.waiting.count {
            state.waiting.removeAll(keepingCapacity: true)
            state.first = 0
        }
        return answer
    }

    private static func isTimeOut(_ result: Result<Void, any Error>?) -> Bool {
        guard case .failure(let error)? = result else { return false }
        // Interrupted, timed out or nobody there: a worker may still be at it. What it answered itself is over.
        return (error as? CallError)?.code != .remote
    }

    private func credit(_ arguments: [RedisArgument]) {
        _ = client.redis.connection().flatMap { [queue] in
            $0.send(.fcall(FunctionLibrary.credit, key: queue.description, arguments))
        }
    }
}

extension TempestClient {
    /// Pushes a letter and returns its answers to come.
    ///
    /// - Parameters:
    ///   - patience: the longest time to the first answer, and between two.
    ///   - window: how many answers may wait that the reader has not used; 0: no credits, for workers that send one.
    /// - Throws: ``RedisError`` when Redis takes the letter not within its patience, ``CallError`` after shutdown.
    package func correspond(_ letter: Letter, patience: Duration, window: Int) async throws -> Correspondence {
        let deadline = NIODeadline.now() + .nanoseconds(patience.nanoseconds)
        let correspondence = Correspondence(letter, patience: patience, window: window, client: self)
        try begin(letter.id) {
            correspondence.finish(.failure(CallError(.closed, "the client was shut down", job: letter.id)))
        }
        do {
            var respondTo: InboxID?
            try await again(until: deadline, unless: { false }) {
                respondTo = try await attend(letter.id, queue: letter.queue) { correspondence.receive($0) }
            }
            var letter = letter
            if !options.fourElements {
                if let now = serverClock.now { letter.meta["deadline"] = .int(now + patience.nanoseconds / 1_000_000) }
                if window > 0 { letter.meta["credits"] = .int(Int64(window)) }
            }
            correspondence.arm()
            try await post(letter, respondTo: respondTo, until: deadline) { correspondence.isAnswered }
            return correspondence
        } catch {
            correspondence.end()
            throw error
        }
    }
}

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
        var hasAnswer = false
        var result: Result<Void, any Error>?
        var reader: CheckedContinuation<Answer?, any Error>?
        var alarm: AlarmClock.Alarm?
        /// The longest time that the reader waits for the next answer; nil: any.
        var patience: Duration?
        /// When that time began: what came last came then, or the reader took the last of what waited.
        var moved = NIODeadline.now()
        /// How often somebody has begun to wait within a limit.
        var waits = 0
        var hasLastAnswer = false
        var isOver = false
        var used = 0
        var credited = 0
        var creditedAt = NIODeadline.now()
        var meter: (@Sendable (Int) -> Void)?
    }

    /// How many bytes of answers wait for a front at most.
    static let mostWaiting = 8 << 20
    /// A slow reader says what it has used at least so often: after 30 s its worker gives it up.
    private static let creditPause = TimeAmount.seconds(5)
    /// How long a cancellation outlives the deadline of the job that it is for.
    private static let remembered = Duration.seconds(300)

    package let id: JobID
    private let queue: QueueName
    private let patience: Duration
    /// How many answers may wait that the reader has not used, up to a million; 0: no credits.
    let window: Int
    /// How many bytes of answers wait for the reader at most; nil: any number.
    private let mostWaiting: Int?
    private let client: TempestClient
    private let state = Mutex(State())

    init(_ id: JobID, queue: QueueName, patience: Duration, window: Int, mostWaiting: Int?, client: TempestClient) {
        (self.id, self.queue, self.patience, self.client) = (id, queue, patience, client)
        (self.window, self.mostWaiting) = (min(max(0, window), Int(JobRules.credits.upperBound)), mostWaiting)
        state.withLock { $0.patience = patience }
    }

    /// The next answer, in order; nil after the last one. Throws ``CallError``, ``RedisError`` when the letter could not be pushed, or
    /// `CancellationError`.
    package func next() async throws -> Answer? {
        // Answers often wait already: then nothing has to be set up for waiting.
        if let ready = ready() { return try ready.get() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if let ready = ready(or: continuation) { continuation.resume(with: ready) }
            }
        } onCancel: {
            finish(.failure(CancellationError()))
        }
    }

    /// What ``next()`` returns now; nil when that is still to come: for the reader, if there is one.
    func ready(or reader: CheckedContinuation<Answer?, any Error>? = nil) -> Result<Answer?, any Error>? {
        let (ready, meter) = state.withLock { state -> (Result<Answer?, any Error>?, (@Sendable (Int) -> Void)?) in
            if let answer = Self.take(&state) { return (.success(answer), state.meter) }
            if let result = state.result { return (result.map { nil }, nil) }
            guard let reader else { return (nil, nil) }
            // Two readers would each get some of the answers, and one that is forgotten would wait for ever.
            if state.reader != nil {
                return (.failure(CallError(.closed, "another task waits for an answer of this job already", job: id)), nil)
            }
            state.reader = reader
            return (nil, nil)
        }
        if let meter, case .success(let answer?) = ready { meter(-answer.size) }
        return ready
    }

    /// Nothing has come within the limit; what comes later can still be read.
    package struct Silence: Error {}

    /// The next answer, as ``next()``. Throws ``Silence`` when nothing has come within the limit.
    package func next(within limit: Duration?) async throws -> Answer? {
        guard let limit else { return try await next() }
        let number = state.withLock { state in
            state.waits += 1
            return state.waits
        }
        let alarm = client.alarms.set(in: .nanoseconds(limit.nanoseconds)) { self.breakSilence(number) }
        defer { client.alarms.cancel(alarm) }
        return try await next()
    }

    private func breakSilence(_ number: Int) {
        let reader = state.withLock { state -> CheckedContinuation<Answer?, any Error>? in
            guard state.waits == number else { return nil }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(throwing: Silence())
    }

    /// From now on this is the longest time between two answers; nil: any.
    package func wait(between limit: Duration?) {
        state.withLock { $0.patience = limit }
        arm()
    }

    /// The reader is done with one more answer: its worker may send another.
    package func used() {
        let used = state.withLock { state -> Int? in
            state.used += 1
            // Said seldom: a worker that has half a window left need not hear of each.
            guard window > 0, !state.hasLastAnswer else { return nil }
            if state.used - state.credited < max(1, window / 2), .now() - state.creditedAt < Self.creditPause { return nil }
            (state.credited, state.creditedAt) = (state.used, .now())
            return state.used
        }
        if let used { credit([.init(id.description), .init(used)]) }
    }

    /// Says once more how much was used: what was said before may be lost, and the worker would wait for it.
    private func sayAgain() {
        let used = state.withLock { state -> Int? in
            guard window > 0, state.used > 0, !state.hasLastAnswer, !state.isOver else { return nil }
            state.credited = state.used
            return state.used
        }
        if let used { credit([.init(id.description), .init(used)]) }
    }

    /// Nobody wants more: a job that has not been answered to the end is cancelled, where it waits and where it runs.
    package func end() {
        let (isFirst, wants, credited) = state.withLock { state -> (Bool, Bool, Bool) in
            defer { state.isOver = true }
            // What somebody answered to the end is over, also with the error of one who speaks for a worker that died.
            let wants = !state.hasLastAnswer && (state.result == nil || Self.isTimeOut(state.result))
            return (!state.isOver, wants, state.credited > 0)
        }
        guard isFirst else { return }
        finish(.failure(CancellationError()))
        client.leave(id, queue: queue)
        client.over(id)
        if credited { credit([.init(id.description)]) }
        // Small numbers are other nodes' jobs too, and workers of the original hear of no cancellation.
        guard wants, case .text = id else { return }
        let milliseconds = min(patience.milliseconds + Self.remembered.milliseconds, TempestClient.longestCancellation)
        _ = client.redis.connection().flatMap { [id, queue] in
            $0.send(.fcall(FunctionLibrary.cancel, key: queue.description, [.init(id.description), .init(milliseconds)]))
        }
    }

    /// Tells somebody, from now on, by how many bytes the answers that wait for the reader become more, or fewer.
    package func meter(_ meter: @escaping @Sendable (Int) -> Void) {
        let bytes = state.withLock { state in
            state.meter = meter
            return state.conversation.bytes
        }
        if bytes > 0 { meter(bytes) }
    }

    // MARK: What comes

    var isAnswered: Bool { state.withLock { $0.result != nil || $0.hasAnswer } }

    /// How many answers wait for the reader.
    var held: Int { state.withLock { $0.conversation.held } }

    /// Returns whether it was of use.
    func hear(_ note: InboxNote) -> Bool {
        switch note {
        case .answer(let answer): return receive(answer)
        case .returned:
            sayAgain()
            return true
        }
    }

    /// Returns whether the answer was of use.
    func receive(_ answer: Answer) -> Bool {
        var more: (meter: @Sendable (Int) -> Void, bytes: Int)?
        var isOfUse = false
        let (reader, taken, end) = state.withLock {
            state -> (CheckedContinuation<Answer?, any Error>?, Answer?, Result<Void, any Error>?) in
            guard state.result == nil else { return (nil, nil, nil) }
            let before = state.conversation.bytes
            isOfUse = state.conversation.receive(answer)
            if isOfUse { (state.hasAnswer, state.moved) = (true, .now()) }
            var end: Result<Void, any Error>?
            switch state.conversation.end {
            case .success: (state.hasLastAnswer, end) = (true, .success(()))
            case .failure(let failure):
                if case .remote = failure { state.hasLastAnswer = true }
                end = .failure(CallError(failure, job: id))
            case nil: break
            }
            var taken: (reader: CheckedContinuation<Answer?, any Error>, answer: Answer)?
            if let reader = state.reader, let answer = Self.take(&state) {
                (taken, state.reader) = ((reader, answer), nil)
            }
            if let mostWaiting, state.conversation.bytes > mostWaiting, state.conversation.held > 1 {
                end = .failure(CallError(.interrupted, "more than \(mostWaiting) bytes of answers wait for the reader", job: id))
            }
            more = state.meter.map { ($0, state.conversation.bytes - before) }
            return (taken?.reader, taken?.answer, end)
        }
        if let more, more.bytes != 0 { more.meter(more.bytes) }
        if let end { finish(end) }
        if let reader, let taken { reader.resume(returning: taken) }
        return isOfUse
    }

    /// The time to the next answer begins, or has begun before.
    func arm(since start: NIODeadline = .now()) {
        let left = state.withLock { state in
            state.moved = start
            return state.patience.map { max(.zero, $0 - .nanoseconds((NIODeadline.now() - start).nanoseconds)) }
        }
        set(alarmIn: left)
    }

    /// One alarm follows the answers: when it rings it looks how long the reader has waited.
    private func set(alarmIn time: Duration?) {
        let alarm = time.map { client.alarms.set(in: .nanoseconds($0.nanoseconds)) { self.ring() } }
        let old = state.withLock { state -> AlarmClock.Alarm? in
            guard state.result == nil else { return alarm }
            defer { state.alarm = alarm }
            return state.alarm
        }
        if let old { client.alarms.cancel(old) }
    }

    private func ring() {
        let (left, patience) = state.withLock { state -> (Duration?, Duration) in
            guard let patience = state.patience, state.result == nil else { return (nil, .zero) }
            // Nobody waits for an answer while some wait for the reader.
            if state.conversation.hasReady { return (patience, patience) }
            return (patience - .nanoseconds((NIODeadline.now() - state.moved).nanoseconds), patience)
        }
        guard let left else { return }
        if left > .zero { return set(alarmIn: left) }
        finish(.failure(CallError(.timedOut, "no answer within \(patience)", job: id)))
    }

    func finish(_ result: Result<Void, any Error>) {
        let (reader, alarm) = state.withLock { state -> (CheckedContinuation<Answer?, any Error>?, AlarmClock.Alarm?) in
            guard state.result == nil else { return (nil, nil) }
            state.result = result
            defer { (state.reader, state.alarm) = (nil, nil) }
            return (state.reader, state.alarm)
        }
        if let alarm { client.alarms.cancel(alarm) }
        reader?.resume(with: result.map { nil })
    }

    private static func take(_ state: inout State) -> Answer? {
        guard let answer = state.conversation.take() else { return nil }
        if !state.conversation.hasReady { state.moved = .now() }
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
    /// Pushes a letter and returns its answers to come. On a queue of original workers it gets another id, and its meta is left out.
    ///
    /// - Parameters:
    ///   - patience: the longest time to the first answer, and between two.
    ///   - window: how many answers may wait that the reader has not used; 0: no credits, for workers that send one.
    /// - Throws: ``RedisError`` when the inbox cannot be opened within its patience, ``CallError`` after shutdown. That Redis does not take
    ///   the letter is said by the first ``Correspondence/next()``.
    package func correspond(_ letter: Letter, patience: Duration, window: Int) async throws -> Correspondence {
        if isOriginal(letter.queue) { return try await correspondDirectly(letter, patience: patience) }
        // A Redis that is away is waited for as long as the client's patience, not as long as an answer: its caller can be told.
        let deadline = NIODeadline.now() + .nanoseconds(min(patience, options.patience).nanoseconds)
        let correspondence = Correspondence(
            letter.id, queue: letter.queue, patience: patience, window: window, mostWaiting: Correspondence.mostWaiting,
            client: self)
        try begin(letter.id) {
            correspondence.finish(.failure(CallError(.closed, "the client was shut down", job: letter.id)))
        }
        do {
            let respondTo = try await attend(letter.id, queue: letter.queue, until: deadline) { correspondence.hear($0) }
            var letter = letter
            if !options.fourElements {
                if let now = serverClock.now { letter.meta["deadline"] = .int(now + patience.nanoseconds / 1_000_000) }
                if correspondence.window > 0 { letter.meta["credits"] = .int(Int64(correspondence.window)) }
            }
            correspondence.arm()
            try send(letter, respondTo: respondTo, for: correspondence, until: deadline)
            return correspondence
        } catch {
            correspondence.end()
            throw error
        }
    }

    /// Pushes without waiting: the answer says that the job has arrived, and a failure ends the correspondence.
    private func send(
        _ letter: Letter, respondTo: InboxID?, for correspondence: Correspondence, until deadline: NIODeadline
    ) throws {
        let payload = try payload(of: letter, respondTo: respondTo)
        let key = Keys.level(letter.queue, letter.level)
        pushes.push(key, payload) { result in
            switch result {
            case .success: self.counters.add(to: MetricName.pushed, ["queue": letter.queue.description])
            case .failure(let error)
            where error.mayPass && !(letter.isOnce && error.leavesDoubt) && !correspondence.isAnswered
                && NIODeadline.now() < deadline:
                // Nobody waits here who could try again: a task does, until the letter's time is over.
                Task {
                    do {
                        try await self.again(until: deadline, unless: { correspondence.isAnswered }) {
                            try await self.push(letter, to: key, payload)
                        }
                    } catch {
                        correspondence.finish(.failure(error))
                    }
                }
            case .failure(let error): correspondence.finish(.failure(self.reason(error, letter)))
            }
        }
    }
}

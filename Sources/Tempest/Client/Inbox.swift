// Where the answers to one client's calls on one queue arrive, and the only reader of it: listen, read, deliver, confirm by the next read;
// park when it is empty; listen again on every new connection. Driven by the event loop, without a task, so that a client needs nobody to run it.

import Logging
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis

/// What a job's receiver hears of its inbox.
package enum InboxNote: Sendable {
    case answer(Answer)
    /// The inbox is read by a new connection: Redis may have forgotten what was said of the job before.
    case returned
}

final class Inbox: Sendable {
    /// Hears of one job, on an event loop: must not block. Returns whether it was of use.
    typealias Receiver = @Sendable (InboxNote) -> Bool

    /// What became of something that came to the inbox.
    enum Delivery { case received, late, malformed }

    private struct State {
        var receivers: [JobID: Receiver] = [:]
        /// Answers delivered since the inbox was registered, as the Redis behind ``heard`` counts them.
        var position = 0
        /// The connection on which Redis has said where the reader stands. On another one the position is worth nothing: the Redis behind it
        /// may have forgotten its last second, and would delete new answers in the places of those.
        var heard: RedisConnection?
        var parking: RedisConnection?
        var opened: EventLoopPromise<Void>?
        var isOpen = false
        var isClosed = false
        var isReading = false
        var backoff = Backoff()
    }

    private static let parkSeconds = 5
    private static let clockAge = TimeAmount.seconds(1)

    let id = InboxID.random()
    private let queue: QueueName
    private let redis: RedisClient
    private let codecs: CodecSet
    private let limits: Limits
    private let logger: Logger
    private let clock: ServerClock
    private let counters: Counters
    private let state = Mutex(State())

    init(
        _ queue: QueueName, redis: RedisClient, codecs: CodecSet, limits: Limits, clock: ServerClock, counters: Counters,
        logger: Logger
    ) {
        self.clock = clock
        (self.queue, self.redis, self.codecs, self.limits, self.counters) = (queue, redis, codecs, limits, counters)
        var logger = logger
        logger[metadataKey: LogKey.queue] = "\(queue)"
        self.logger = logger
    }

    /// Registers the inbox in Redis, once; later callers wait for the same registration.
    func open() -> EventLoopFuture<Void> {
        let (future, isFirst) = state.withLock { state -> (EventLoopFuture<Void>, Bool) in
            if let opened = state.opened { return (opened.futureResult, false) }
            let promise = redis.eventLoop.makePromise(of: Void.self)
            state.opened = promise
            return (promise.futureResult, true)
        }
        if isFirst { register() }
        return future
    }

    /// Whether it has been registered.
    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Whether the last look at it, or the parked one, went well.
    var isReading: Bool { state.withLock { $0.isReading && !$0.isClosed } }

    func expect(_ job: JobID, _ receiver: @escaping Receiver) {
        state.withLock { $0.receivers[job] = receiver }
    }

    func forget(_ job: JobID) {
        state.withLock { $0.receivers[job] = nil }
    }

    /// Unregisters it; what still arrives is deleted.
    func close() async {
        let (parking, wasOpen) = state.withLock { state in
            defer { (state.isClosed, state.parking) = (true, nil) }
            return (state.parking, state.isOpen)
        }
        _ = parking?.close()
        // Without a connection nothing is waited for: an inbox that nobody reads is swept.
        guard wasOpen, let connection = redis.ready else { return }
        _ = try? await connection.execute(.fcall(FunctionLibrary.unlisten, key: queue.description, [.init(id.description)]))
    }

    private func register() {
        redis.connection()
            .flatMap { connection in
                FunctionLoader.ensure(on: connection).flatMap { self.clock.ask(connection) }.flatMap {
                    connection.send(.fcall(FunctionLibrary.listen, key: self.queue.description, [.init(self.id.description)]))
                }.map { (connection, $0) }
            }
            .whenComplete { result in
                switch result {
                case .success((let connection, let reply)):
                    let (opened, returned) = self.state.withLock { state in
                        (state.position, state.heard) = (Int(reply.integer ?? 0), connection)
                        defer { state.isOpen = true }
                        return (state.isOpen ? nil : state.opened, state.isOpen ? Array(state.receivers.values) : [])
                    }
                    opened?.succeed()
                    for receiver in returned { _ = receiver(.returned) }
                    if self.state.withLock({ $0.isClosed }) {
                        // Closed while it was being registered.
                        _ = self.redis.connection().flatMap {
                            $0.send(.fcall(FunctionLibrary.unlisten, key: self.queue.description, [.init(self.id.description)]))
                        }
                    } else {
                        self.read()
                    }
                case .failure(let error):
                    // The first callers learn of it; once it has been open, it is opened again until it is.
                    let opened = self.state.withLock { state -> EventLoopPromise<Void>? in
                        if state.isOpen { return nil }
                        defer { state.opened = nil }
                        return state.opened
                    }
                    if let opened { opened.fail(error) } else { self.later(error) { self.register() } }
                }
            }
    }

    /// Confirms what was delivered and asks for more; parks if there is none.
    private func read() {
        let (position, isClosed) = state.withLock { ($0.position, $0.isClosed) }
        guard !isClosed else { return }
        // Clocks drift, and may be set: the deadlines of calls are measured with Redis'.
        if clock.age.map({ $0 > Self.clockAge }) ?? true { _ = redis.connection().flatMap { self.clock.ask($0) } }
        redis.connection()
            .flatMap { connection -> EventLoopFuture<RedisReply> in
                guard self.state.withLock({ $0.heard === connection }) else {
                    return connection.eventLoop.makeFailedFuture(
                        RedisError(.fenced, "the inbox was not listened to on this connection"))
                }
                return connection.send(
                    .fcall(
                        FunctionLibrary.read, key: self.queue.description,
                        [
                            .init(self.id.description), .init(position), .init(FunctionLibrary.largestBatch),
                            .init(FunctionLibrary.moveBytes),
                        ]))
            }
            .whenComplete { result in
                switch result {
                case .success(let reply):
                    let answers = reply.array ?? []
                    for answer in answers { self.deliver(answer.bytes) }
                    self.state.withLock { state in
                        state.position += answers.count
                        state.isReading = true
                        state.backoff.reset()
                    }
                    if answers.isEmpty { self.park() } else { self.read() }
                case .failure(let error):
                    switch (error as? RedisError)?.code {
                    // Another connection, or a flushed Redis, does not know the inbox or our place in it: both are learnt by listening.
                    case .fenced, .noFunction, .badArgument: self.register()
                    default: self.later(error) { self.read() }
                    }
                }
            }
    }

    /// A blocking look that takes nothing away: the head of the list becomes the head of the list.
    private func park() {
        let (parking, isClosed) = state.withLock { ($0.parking, $0.isClosed) }
        guard !isClosed else { return }
        guard let parking, parking.isActive else {
            redis.open(name: "tempest-inbox:\(id)", on: redis.eventLoop).whenComplete { result in
                switch result {
                case .success(let connection):
                    let isClosed = self.state.withLock { state in
                        state.parking = connection
                        return state.isClosed
                    }
                    if isClosed { _ = connection.close() } else { self.park() }
                case .failure(let error): self.later(error) { self.read() }
                }
            }
            return
        }
        let key = RedisArgument(Keys.inbox(queue, id))
        parking.send(
            ["BLMOVE", key, key, "LEFT", "LEFT", .init(Self.parkSeconds)], timeout: .seconds(Int64(Self.parkSeconds + 2))
        ).whenComplete { result in
            switch result {
            case .success(.null): self.read()
            case .success(let reply):
                self.deliver(reply.bytes)
                self.state.withLock { $0.position += 1 }
                self.read()
            case .failure(let error):
                // A full Redis refuses BLMOVE but not reads: look again in a moment.
                self.later(error) { self.read() }
            }
        }
    }

    private func later(_ error: any Error, _ action: @escaping @Sendable () -> Void) {
        let (isClosed, delay) = state.withLock { state in
            state.isReading = false
            return (state.isClosed, state.backoff.next())
        }
        guard !isClosed else { return }
        logger.debug("the inbox cannot be read; trying again", metadata: [LogKey.error: "\(error)"])
        redis.eventLoop.scheduleTask(in: delay, action)
    }

    /// Passes on what came to the inbox, by its job id.
    @discardableResult func deliver(_ bytes: [UInt8]?) -> Delivery {
        guard let bytes else { return .malformed }
        let answer: Answer
        do {
            answer = try Answer(bytes, codecs: codecs, limits: limits)
        } catch {
            logger.warning(
                "what came to the inbox is not an answer",
                metadata: [LogKey.reason: "\(error.reason.rawValue)", LogKey.error: "\(error.detail)"])
            return .malformed
        }
        guard let receiver = state.withLock({ $0.receivers[answer.id] }), receiver(.answer(answer)) else {
            counters.add(to: MetricName.late, ["queue": queue.description])
            logger.debug("an answer came late or twice", metadata: [LogKey.job: "\(answer.id)"])
            return .late
        }
        return .received
    }
}

// Where the answers of original workers arrive: a listener of this node's own, its number in the cluster, and the count of its jobs. Before
// it: letters to queues that are served by them. After it: the correspondences that wait.

import Logging
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis

final class DirectInbox: Sendable {
    typealias Receiver = @Sendable (Answer) -> Void

    private struct Waiting {
        let action: String
        let queue: QueueName
        let receiver: Receiver
    }

    private struct State {
        var waiting: [Int64: Waiting] = [:]
        var unanswered = UnansweredJobs()
        /// The id of the last job.
        var last: Int64 = 0
        /// The node's number; nil until the inbox is open.
        var node: Int64?
        var listener: AnswerListener?
        var opened: EventLoopPromise<Void>?
        var isClosed = false
    }

    private let options: OriginalOptions
    private let redis: RedisClient
    private let limits: Limits
    private let counters: Counters
    private let logger: Logger
    private let state = Mutex(State())

    init(_ options: OriginalOptions, redis: RedisClient, limits: Limits, counters: Counters, logger: Logger) {
        (self.options, self.redis, self.limits, self.counters, self.logger) = (options, redis, limits, counters, logger)
    }

    // MARK: Opening and closing

    /// Listens, and takes a number in the cluster, once; later callers wait for the same. After a failure the next one tries again.
    func open() -> EventLoopFuture<Void> {
        let (future, isFirst) = state.withLock { state -> (EventLoopFuture<Void>, Bool) in
            if let opened = state.opened { return (opened.futureResult, false) }
            let promise = redis.eventLoop.makePromise(of: Void.self)
            state.opened = promise
            return (promise.futureResult, true)
        }
        guard isFirst else { return future }
        listen().flatMap { self.number() }.whenComplete { result in
            let opened = self.state.withLock { state -> EventLoopPromise<Void>? in
                if case .success = result { return state.opened }
                defer { state.opened = nil }
                return state.opened
            }
            opened?.completeWith(result)
        }
        return future
    }

    private func listen() -> EventLoopFuture<Void> {
        if state.withLock({ $0.listener != nil }) { return redis.eventLoop.makeSucceededVoidFuture() }
        let peers = options.peers
        var limits = ListenerLimits()
        limits.wordBytes = self.limits.bytes
        return AnswerListener.start(
            host: options.listen ?? options.host, port: options.port, limits: limits, logger: logger,
            admits: { peers.contains($0) }, deliver: { self.deliver($0) }
        ).hop(to: redis.eventLoop).flatMapThrowing { listener in
            let isClosed = self.state.withLock { state in
                state.listener = listener
                return state.isClosed
            }
            if isClosed { throw CallError(.closed, "the client was shut down") }
        }
    }

    private func number() -> EventLoopFuture<Void> {
        redis.connection().flatMap { $0.send(["INCR", "cluster.ids"]) }.hop(to: redis.eventLoop).flatMapThrowing { reply in
            guard let node = reply.integer else {
                throw RedisError(.protocolError, "INCR cluster.ids did not return a number")
            }
            self.state.withLock { $0.node = node }
            self.logger.info("takes answers of original workers", metadata: ["address": "\(self.address)", "node": "\(node)"])
        }
    }

    /// Takes out of the queues what nobody has taken yet, hangs up, and takes the node's count away: its number comes never again.
    func close() async {
        let (listener, node, jobs) = state.withLock { state in
            defer { (state.isClosed, state.listener, state.waiting) = (true, nil, [:]) }
            return (state.listener, state.node, state.unanswered.takeAll())
        }
        await takeBack(jobs[...])
        await listener?.close()
        if let node { _ = try? await redis.execute(["DEL", "server.\(node).id"]) }
    }

    /// In portions, and not for long: whoever stops a program waits for it.
    private func takeBack(_ jobs: ArraySlice<UnansweredJobs.Job>) async {
        let deadline = NIODeadline.now() + Self.takeBackTime
        var (left, taken, refused) = (jobs, 0, 0)
        var trouble: (any Error)?
        while !left.isEmpty {
            let commands = left.prefix(Self.portion).map { job -> RedisCommand in
                ["LREM", .init(Keys.level(job.queue, job.level)), 1, .init(job.payload)]
            }
            do {
                guard NIODeadline.now() < deadline else { throw RedisError(.timedOut, "it takes too long") }
                for reply in try await redis.execute(commands) {
                    switch reply {
                    case .success(let reply): taken += Int(reply.integer ?? 0)
                    // One queue whose key is no list keeps nobody from the others.
                    case .failure(let error): (refused, trouble) = (refused + 1, error)
                    }
                }
            } catch {
                (refused, trouble) = (refused + left.count, error)
                break
            }
            left = left.dropFirst(Self.portion)
        }
        if let trouble {
            logger.warning(
                "jobs of original workers' queues could not be taken back: the workers that take them will find nobody to answer",
                metadata: ["jobs": "\(refused)", LogKey.error: "\(trouble)"])
        }
        if taken > 0 {
            logger.info("took unanswered jobs out of original workers' queues", metadata: ["jobs": "\(taken)"])
        }
    }

    private static let takeBackTime = TimeAmount.seconds(5)
    private static let portion = 100

    /// What goes into respond_to.
    private var address: String {
        let port = state.withLock { $0.listener?.port } ?? options.port
        return options.host.contains(":") ? "[\(options.host)]:\(port)" : "\(options.host):\(port)"
    }

    // MARK: Jobs

    /// The letter as it is sent: with this node's next id, in JSON, without meta. Throws ``NameError`` for an action that Redis has a
    /// command for: no worker can answer it.
    func number(_ letter: Letter) throws -> Letter {
        guard !KnownCommands.contains(letter.action) else {
            throw CallError(
                .badAction,
                "\(letter.action.prefix(80).debugDescription) is a command of Redis: a worker of the original cannot answer it. Call the action something else"
            )
        }
        var letter = letter
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        (letter.id, letter.codec, letter.meta) = (.integer(Int128(id)), JSONCodec(), [:])
        return letter
    }

    /// Answers to a numbered letter go to the receiver, on an event loop, until `forget`.
    func expect(_ letter: Letter, _ receiver: @escaping Receiver) {
        guard let id = Self.number(letter.id) else { return }
        state.withLock { $0.waiting[id] = Waiting(action: letter.action, queue: letter.queue, receiver: receiver) }
    }

    func forget(_ id: JobID) {
        guard let id = Self.number(id) else { return }
        state.withLock { $0.waiting[id] = nil }
    }

    /// Pushes a numbered letter, and counts it, both or neither.
    func push(_ letter: Letter) async throws {
        guard let id = Self.number(letter.id), let node = state.withLock({ $0.node }) else {
            throw CallError(.closed, "the inbox for answers of original workers is not open")
        }
        // Checks the action.
        _ = try JobDraft(action: letter.action, args: TokenBuffer(), count: 0, respondTo: nil, id: letter.id)
        let payload = try JSONCodec().encode(DirectDraft(letter: letter, respondTo: address, id: id), limits: limits)
        let job = UnansweredJobs.Job(id: id, queue: letter.queue, level: letter.level, payload: payload)
        // Before it is sent: whether it was pushed is not always known.
        state.withLock { $0.unanswered.add(job) }
        let replies = try await redis.execute([
            ["MULTI"], ["INCR", "server.\(node).id"], ["RPUSH", .init(Keys.level(letter.queue, letter.level)), .init(payload)],
            ["EXEC"],
        ])
        for reply in replies { _ = try reply.get() }
        // Inside EXEC an error is an element, not a failure.
        guard let done = try replies.last?.get().array else {
            throw RedisError(.protocolError, "EXEC did not return an array")
        }
        for case .error(let text) in done {
            throw RedisError(.wrongType, "the job was not pushed to \(letter.queue): \(text)", reply: text)
        }
    }

    private static func number(_ id: JobID) -> Int64? {
        if case .integer(let id) = id { Int64(exactly: id) } else { nil }
    }

    // MARK: Answers

    /// Called on an event loop, for whatever anybody sends.
    private func deliver(_ direct: DirectAnswer) -> DirectAnswer.Verdict {
        guard let id = Int64(direct.job), id > 0, "\(id)" == direct.job, id <= state.withLock({ $0.last }) else {
            return .refused("no job \(direct.job.prefix(40)) was called by this node")
        }
        let found = state.withLock { state in
            state.unanswered.remove(id)
            return state.waiting[id]
        }
        guard let waiting = found else {
            counters.add(to: MetricName.late, ["queue": "direct"])
            logger.debug("an answer came late or twice", metadata: [LogKey.job: "\(id)"])
            return .late
        }
        guard waiting.action == direct.action else {
            return .refused("job \(id) is no \(direct.action.prefix(80).debugDescription)")
        }
        do {
            waiting.receiver(try DirectPayload.answer(direct, id: .integer(Int128(id)), limits: limits))
            return .taken
        } catch {
            logger.warning(
                "what came directly is no answer", metadata: [LogKey.job: "\(id)", LogKey.error: "\(error.detail)"])
            return .refused("the payload is no JSON that can be read: \(error.detail)")
        }
    }
}

// What people push and call with. Its pushes are one RPUSH; its calls wait at an Inbox.

public import Logging
package import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization
import TempestCodecs
package import TempestProtocol
public import TempestRedis

/// Pushes jobs to queues and calls the workers that serve them, whatever language they are written in.
///
/// ```swift
/// let client = try TempestClient()
/// try await client.push("resize", "cat.png", level: .low)
/// let sum: Int = try await client.call("add", 2, 3)
/// for try await line in try await client.stream("tail", "app.log", of: String.self) { print(line) }
/// await client.shutdown()
/// ```
///
/// It connects when it is first used, and again whenever Redis was away. It may be run as a `Service`, which shuts it down with the
/// others, or be used without being run.
public final class TempestClient: Service {
    let options: ClientOptions
    let redis: RedisClient
    let logger: Logger
    let counters = Counters()
    let pushes: PushLine
    let alarms: AlarmClock
    /// For deadlines, which are measured by it.
    let serverClock = ServerClock()
    /// Where answers of original workers arrive; opened by the first call to them.
    let direct: DirectInbox
    /// Whether Redis has a library that is not earlier than ours, as far as publishing needs it.
    let hasLibrary = Atomic(false)
    private let state = Mutex(State())

    private struct State {
        var inboxes: [QueueName: Inbox] = [:]
        var isClosed = false
        var calls: [JobID: @Sendable () -> Void] = [:]
    }

    /// A client of the Redis that `redis` names; without it of `REDIS_URL`, `REDISTOGO_URL`, `REDISCLOUD_URL`, or
    /// `redis://127.0.0.1:6379`. Throws ``RedisError`` for a bad URL.
    public convenience init(
        redis: RedisConfiguration? = nil, options: ClientOptions = ClientOptions(),
        logger: Logger = Logger(label: "tempest.client")
    ) throws {
        try self.init(redis: redis, options: options, on: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    /// The same on these event loops.
    package init(
        redis: RedisConfiguration?, options: ClientOptions, on loops: any EventLoopGroup, logger: Logger
    ) throws {
        var options = options
        // Answers come in the codec of the job: who writes in one reads it too.
        if options.codecs.named(options.codec.name) == nil { options.codecs = options.codecs.adding(options.codec) }
        self.options = options
        self.logger = logger
        self.redis = RedisClient(
            try redis ?? RedisConfiguration.environment(ProcessEnvironment.redis),
            name: "tempest:\(ProcessEnvironment.processName)", eventLoopGroup: loops,
            logger: logger, patience: options.patience)
        self.pushes = PushLine(self.redis)
        self.alarms = AlarmClock(on: self.redis.eventLoop)
        self.direct = DirectInbox(
            options.original, redis: self.redis, limits: options.limits, counters: counters, logger: logger)
    }

    /// Waits for a graceful shutdown or cancellation, and then shuts the client down.
    public func run() async throws {
        try? await gracefulShutdown()
        await shutdown()
    }

    /// Ends waiting calls with ``CallError/Code/closed`` and closes the connections.
    public func shutdown() async {
        let (inboxes, calls) = state.withLock { state in
            defer { (state.isClosed, state.inboxes, state.calls) = (true, [:], [:]) }
            return (state.inboxes.values, state.calls.values)
        }
        for end in calls { end() }
        for inbox in inboxes { await inbox.close() }
        await direct.close()
        await redis.shutdown()
    }

    /// The inbox for answers to calls on a queue, registered in Redis.
    ///
    /// - Parameter timeout: of the call: a Redis that is away is waited for no longer than that, nor than the client's patience.
    func inbox(_ queue: QueueName, for timeout: Duration? = nil) async throws -> Inbox {
        let inbox = try state.withLock { state in
            guard !state.isClosed else { throw CallError(.closed, "the client was shut down") }
            if let inbox = state.inboxes[queue] { return inbox }
            let inbox = Inbox(
                queue, redis: redis, codecs: options.codecs, limits: options.limits, clock: serverClock, counters: counters,
                logger: logger)
            state.inboxes[queue] = inbox
            return inbox
        }
        if redis.ready != nil, inbox.isOpen { return inbox }
        let deadline = patience(timeout)
        try await again(until: deadline, unless: { false }) {
            _ = try await redis.connection(until: deadline)
            // To wait for a future is two changes of threads, even for one that has come.
            if !inbox.isOpen { try await inbox.open().get() }
        }
        return inbox
    }

    private func patience(_ timeout: Duration?) -> NIODeadline {
        let ends = redis.patienceEnds
        return timeout.map { min(ends, .now() + .nanoseconds($0.nanoseconds)) } ?? ends
    }

    /// The inbox of a queue, if it has been asked for.
    func openInbox(_ queue: QueueName) -> Inbox? { state.withLock { $0.inboxes[queue] } }

    /// The queues whose answers are waited for here, and whether each inbox has been read without trouble since the last time.
    package var readiness: [(queue: QueueName, isReading: Bool)] {
        state.withLock { $0.inboxes }.map { ($0.key, $0.value.isReading) }
    }

    /// The Redis that it talks to.
    package var redisConfiguration: RedisConfiguration { redis.configuration }

    /// Redis' clock, asked if it was not heard of lately.
    func serverTime() async throws -> Int64? {
        if serverClock.age.map({ $0 > .seconds(60) }) ?? true {
            try await serverClock.ask(try await redis.connection(until: redis.patienceEnds)).get()
        }
        return serverClock.now
    }

    /// The codec of a call, whose answer comes in the same: one that nobody here can read would be waited for in vain.
    func answerable(_ codec: (any Codec)?) throws(CodecError) -> any Codec {
        let codec = codec ?? options.codec
        guard options.codecs.named(codec.name) != nil else {
            throw CodecError(
                .unknownCodec, "the answer to a call in \(codec.name) could not be read: add the codec to ClientOptions.codecs")
        }
        return codec
    }

    /// `end` is called if the client shuts down before the call is over.
    func begin(_ job: JobID, end: @escaping @Sendable () -> Void) throws {
        try state.withLock { state in
            guard !state.isClosed else { throw CallError(.closed, "the client was shut down", job: job) }
            state.calls[job] = end
        }
    }

    func over(_ job: JobID) {
        state.withLock { $0.calls[job] = nil }
    }
}

// What people write workers with: handlers by action, and a `Service` that serves queues with them. The loop is QueueRunner's.

public import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization
public import TempestCodecs
public import TempestProtocol
public import TempestRedis

/// Serves queues: takes jobs, runs the handlers registered for their actions, sends the answers.
///
/// ```swift
/// let worker = try Worker(queues: ["tempest"])
/// worker.handle("add") { (_: JobContext, a: Int, b: Int) in a + b }
/// worker.handle("greet") { (context: JobContext, name: String) in
///     context.logger.info("greeting")
///     return "Hello, \(name)!"
/// }
/// try await worker.runUntilSignalled()
/// ```
///
/// A job runs at least once: it stays recorded as this process's until it is settled, and when the process dies, others take it back.
/// It is a `Service` too, for those who run several things in a `ServiceGroup`. `run` returns
/// after a graceful shutdown, when running handlers have ended; those that still run past ``WorkerOptions/grace`` are cancelled, their
/// jobs having been given back to the queue. A handler that ignores cancellation keeps `run` from returning.
/// It opens one connection per queue and level, one more per queue, and three for the whole worker.
public final class Worker: Service {
    public let queues: [QueueName]
    private let options: WorkerOptions
    private let configuration: RedisConfiguration
    let logger: Logger
    let table = HandlerTable()
    private let runners = Mutex<[QueueRunner]>([])
    private let registrar = Mutex<NodeRegistrar?>(nil)
    private let state = Mutex(State.idle)
    /// Whether Redis was asked what it does when it is full.
    private let knowsEviction = Atomic(false)
    /// What was said to it so far: `run` may begin after it.
    private let orders = Mutex((isQuiet: false, grace: Duration?.none))

    /// Why Redis did not let it begin.
    private let refusal = Mutex(RedisError?.none)

    private enum State {
        /// May run.
        case idle
        /// Runs; goes to ended.
        case running
        case ended
    }

    /// A worker on `queues`, at the Redis that `redis` names; without it at `REDIS_URL`, `REDISTOGO_URL`, `REDISCLOUD_URL`, or
    /// `redis://127.0.0.1:6379`. Throws ``NameError`` for a queue name that is not allowed and ``RedisError`` for a bad URL.
    public init(
        queues: [String], redis: RedisConfiguration? = nil, options: WorkerOptions = WorkerOptions(),
        logger: Logger = Logger(label: "tempest.worker")
    ) throws {
        precondition(
            !queues.isEmpty && options.concurrency > 0 && !options.levels.isEmpty, "a worker needs a queue, a level, a slot")
        var names: [QueueName] = []
        for queue in queues { names.append(try QueueName(queue)) }
        precondition(Set(names).count == names.count, "a queue is named twice")
        self.queues = names
        if let weights = options.weights { _ = try LevelQuotas.checked(weights, of: options.levels) }
        self.options = options
        self.configuration = try redis ?? RedisConfiguration.environment(ProcessEnvironment.redis)
        self.logger = logger
    }

    /// Registers a handler. Its arguments are decoded from the job's, one by one; optional ones may be missing at the end. What it
    /// returns is the answer. Throw ``HandlerError`` to answer with an error, or `context.retry(after:)` to be called again later.
    ///
    /// `retry` rules what a failure leads to. `timeout` is how long a run may take: then its task is cancelled, and if it throws, that is
    /// a failure like any other. Both give way to what the job itself says.
    ///
    /// The handler is called on Swift's cooperative threads: work that blocks a thread belongs on a thread of its own.
    public func handle<each Argument: Decodable & SendableMetatype, Reply: Encodable & SendableMetatype>(
        _ action: String, retry: RetryPolicy = .standard, timeout: Duration? = nil,
        _ body: @escaping @Sendable (JobContext, repeat each Argument) async throws -> Reply
    ) {
        table.register(action, retry: retry, timeout: timeout) { context in
            let arguments = try Self.arguments(of: context, as: (repeat each Argument).self)
            let reply = try await body(context, repeat each arguments)
            var answer = TokenBuffer()
            do { try answer.record(reply) } catch { throw UnwritableAnswer(message: "\(error)") }
            return HandlerReply(answer, count: 1)
        }
    }

    /// The same for a handler that returns nothing: its answer has no args.
    public func handle<each Argument: Decodable & SendableMetatype>(
        _ action: String, retry: RetryPolicy = .standard, timeout: Duration? = nil,
        _ body: @escaping @Sendable (JobContext, repeat each Argument) async throws -> Void
    ) {
        table.register(action, retry: retry, timeout: timeout) { context in
            let arguments = try Self.arguments(of: context, as: (repeat each Argument).self)
            try await body(context, repeat each arguments)
            return .nothing
        }
    }

    /// Registers a handler without types: it reads `context.args` as it likes.
    public func handle(
        dynamic action: String, retry: RetryPolicy = .standard, timeout: Duration? = nil,
        _ body: @escaping @Sendable (JobContext) async throws -> Value
    ) {
        table.register(action, retry: retry, timeout: timeout) { context in
            let value = try await body(context)
            var answer = TokenBuffer()
            do { try value.write(to: &answer) } catch { throw UnwritableAnswer(message: "\(error)") }
            return HandlerReply(answer, count: 1)
        }
    }

    private static func arguments<each Argument: Decodable & SendableMetatype>(
        of context: JobContext, as _: (repeat each Argument).Type
    ) throws -> (repeat each Argument) {
        var wanted = 0
        for _ in repeat (each Argument).self { wanted += 1 }
        var reader = try ArgumentReader(context.args, wanted: wanted)
        return (repeat try reader.next((each Argument).self))
    }

    /// Whether it can take jobs now.
    public var readiness: Readiness {
        let runners = runners.withLock { $0 }
        guard !runners.isEmpty else {
            return Readiness(troubles: Dictionary(uniqueKeysWithValues: queues.map { ($0, "not running") }))
        }
        var troubles: [QueueName: String] = [:]
        for runner in runners {
            if let trouble = runner.health.withLock({ $0.trouble }) { troubles[runner.queue] = trouble }
        }
        return Readiness(troubles: troubles)
    }

    /// Claims no more, and goes on with what it runs; for good, until it is stopped. What waits stays for others.
    public func quiet() {
        let isNews = orders.withLock { orders in
            defer { orders.isQuiet = true }
            return !orders.isQuiet
        }
        if isNews { logger.info("tempest worker quiet: it claims no more jobs") }
        for runner in runners.withLock({ $0 }) { runner.becomeQuiet() }
        registrar.withLock { $0 }?.note(.quiet)
    }

    /// Makes `run` return: claims no more, waits for what runs, and after `grace` (the options' unless given) gives the rest back to the
    /// heads of their levels and cancels it. A second call can only shorten the time: with `.zero`, to nothing.
    public func stop(grace: Duration? = nil) {
        let grace = grace ?? options.grace
        let isNews = orders.withLock { orders in
            defer { orders.grace = min(orders.grace ?? grace, grace) }
            return orders.grace == nil
        }
        if isNews {
            logger.info(
                "tempest worker stopping: it claims no more jobs; stop it again to give back at once what it runs",
                metadata: [LogKey.grace: "\(Double(grace.nanoseconds / 1_000_000) / 1000)"])
        }
        registrar.withLock { $0 }?.note(.stopping)
        for runner in runners.withLock({ $0 }) { runner.stop(grace: grace) }
    }

    /// Serves until a graceful shutdown or cancellation. Redis may come and go meanwhile.
    ///
    /// Throws when it was run before, and ``RedisError`` when Redis refuses it from the beginning: its user, its password or its database,
    /// or a right that is missing. What is refused later is logged as an error and tried again, so that nothing is lost while somebody
    /// changes a password.
    public func run() async throws {
        let first = state.withLock { state in
            guard case .idle = state else { return false }
            state = .running
            return true
        }
        guard first else { throw WorkerError.alreadyRun }
        defer { state.withLock { $0 = .ended } }
        let handlers = table.snapshot
        let options = options
        let redis = RedisClient(configuration, name: "tempest:\(options.name)", logger: logger, logsOutages: false)
        let outage = RedisOutage(logger)
        let beater = Beater(
            configuration, name: "tempest-beat:\(options.name)", lease: options.lease, outage: outage, logger: logger)
        let slots = Slots(limit: options.concurrency)
        let registrar = NodeRegistrar(options: options, queues: queues, redis: redis, logger: logger)
        let log = WorkerLog(queues, options, actions: handlers.keys.sorted(), logger)
        let strangers = Strangers()
        let direct = options.directAnswers.map {
            DirectSender(DirectRule($0, redis: configuration), on: redis.eventLoop, counters: Counters())
        }
        let runners = queues.map { queue in
            QueueRunner(
                queue: queue, options: options, actions: handlers.keys.sorted(), redis: redis, slots: slots, beater: beater,
                logger: logger, outage: outage,
                onIncarnation: { [weak self] in
                    registrar.note($0, $1)
                    log.joined($0, $1)
                    self?.warnOfEviction(redis)
                },
                makeRun: {
                    JobRun(
                        queue: $0, process: $1, handlers: handlers, options: options, strangers: strangers, running: $2,
                        clock: beater.clock, eventLoop: redis.eventLoop, logger: $3, direct: direct)
                })
        }
        self.runners.withLock { $0 = runners }
        self.registrar.withLock { $0 = registrar }
        let orders = orders.withLock { $0 }
        if orders.isQuiet { quiet() }
        if orders.grace != nil { stop(grace: orders.grace) }
        registrar.start()
        beater.start(queues) { message in
            switch registrar.order(message) {
            case .quiet: self.quiet()
            case .stop: self.stop()
            case nil: break
            }
        }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withDiscardingTaskGroup { group in
                    // A runner waits for its connections, and lives where they do.
                    for runner in runners {
                        group.addTask(executorPreference: runner.executor) {
                            guard let error = await runner.run() else { return }
                            self.refusal.withLock { $0 = $0 ?? error }
                            self.stop()
                        }
                    }
                }
            } onGracefulShutdown: {
                self.stop()
            }
        } onCancel: {
            self.stop()
        }
        await registrar.end()
        await beater.stop()
        await direct?.close()
        await redis.shutdown()
        if let error = refusal.withLock({ $0 }) { throw error }
        logger.info("tempest worker stopped")
    }

    /// Once, as soon as Redis is there; nobody waits for it.
    private func warnOfEviction(_ redis: RedisClient) {
        guard !knowsEviction.exchange(true, ordering: .relaxed) else { return }
        redis.connection().flatMap { $0.send(["INFO", "memory"]) }.whenSuccess { [logger] reply in
            if let warning = EvictionPolicy(reply)?.warning { logger.warning("\(warning)") }
        }
    }
}

/// A worker was used in a way that it does not support.
public enum WorkerError: Error, CustomStringConvertible {
    case alreadyRun

    public var description: String {
        switch self {
        case .alreadyRun: "this worker has been run before: make a new one"
        }
    }
}

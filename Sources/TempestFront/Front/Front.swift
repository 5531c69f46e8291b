// The front as a service: a server for browsers around queues.

import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
public import ServiceLifecycle
public import Tempest
import UnixSignals

/// Holds browsers until workers answer.
///
/// ```swift
/// var configuration = FrontConfiguration()
/// configuration.routes = [try FrontRoute("/api/*=api:high"), try FrontRoute("/*=pages")]
/// let front = try Front(configuration)
/// try await front.runService()
/// ```
///
/// To have queues in a Hummingbird application of your own, use ``HeldRequests`` in its router.
public final class Front: Service {
    private let initial: FrontConfiguration
    let shared: FrontShared
    let current = CurrentSnapshot()
    private let orders = StopOrders()
    private let notice = ServiceNotice()
    private let onServerRunning: @Sendable (any Channel) async -> Void

    private var logger: Logger { shared.logger }

    /// - Parameters:
    ///   - redis: where the queues are; without it what `REDIS_URL` names.
    ///   - client: what it talks to Redis with, and does not shut down, made with ``FrontConfiguration/clientOptions``; without it
    ///     one of its own for each event loop.
    ///   - onServerRunning: called with the first socket once it listens.
    /// - Throws: ``FrontConfigurationError``; ``RedisError`` for a bad URL.
    public init(
        _ configuration: FrontConfiguration, redis: RedisConfiguration? = nil, client: TempestClient? = nil,
        logger: Logger = Logger(label: "tempest.front"),
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws {
        try configuration.check()
        initial = configuration
        let clients =
            try client.map { FrontClients($0) }
            ?? FrontClients(redis: redis, options: configuration.clientOptions, logger: logger)
        shared = FrontShared(
            clients: clients, registry: ConnectionRegistry(bound: configuration.waiting, logger: logger), logger: logger)
        self.onServerRunning = onServerRunning
    }

    /// Runs until a graceful shutdown; docs/front.md, "Stopping", says what happens then.
    ///
    /// - Throws: ``FrontConfigurationError`` for an address that cannot be listened on.
    public func run() async throws {
        do {
            try await serve()
        } catch {
            await shared.clients.shutdown()
            throw error
        }
        if let failure = orders.failure { throw FrontConfigurationError(failure) }
    }

    /// Runs it with SIGTERM and SIGINT as its graceful shutdown; a second one ends it at once. SIGHUP reloads.
    ///
    /// - Parameter configuration: reads the configuration anew; without it SIGHUP is ignored.
    public func runService(reloading configuration: (@Sendable () throws -> FrontConfiguration)? = nil) async throws {
        OpenFileLimit.raise()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals {
                    switch signal {
                    case .sighup: await self.reload(by: configuration)
                    // Somebody at a terminal waits for no balancer.
                    case .sigint: self.orders.stop(lame: false)
                    default: self.orders.stop()
                    }
                }
            }
            group.addTask { try await self.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func serve() async throws {
        let inherited = try InheritedSockets.take()
        let sockets = try inherited.isEmpty ? initial.openSockets() : inherited
        let server = FrontServer(sockets, logger: logger)
        let snapshot: FrontSnapshot
        do {
            if !inherited.isEmpty { try initial.check(inherited: inherited) }
            let ports = sockets.filter { $0.purpose == .requests }.compactMap { SocketName.port(of: $0.descriptor) }
            snapshot = try await self.snapshot(initial, previous: nil, port: ports.first ?? 443)
        } catch {
            for socket in sockets { socket.close() }
            throw error
        }
        current.set(snapshot)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                do {
                    try await accept(server)
                    await orders.first()
                } catch {
                    orders.fail("\(error)")
                }
            } onGracefulShutdown: {
                self.orders.stop()
            }
        } onCancel: {
            orders.stopAtOnce()
        }
        await stop(server)
    }

    private func accept(_ server: FrontServer) async throws {
        let (current, orders, logger) = (current, orders, logger)
        let channels = try await server.start { address in
            orders.fail("the socket that listened on \(address) was closed by the system")
        } _: { channel, purpose in
            guard let snapshot = current.value else { return channel.eventLoop.makeFailedFuture(CancellationError()) }
            return snapshot.serve(channel, purpose, logger: logger)
        }
        notice.ready()
        if let first = channels.first { await onServerRunning(first) }
        // Not waited for: a Redis that is away is tried again by each request.
        let (clients, routes) = (shared.clients, initial.routes)
        Task { await clients.open(routes, logger: logger) }
    }

    private func snapshot(
        _ configuration: FrontConfiguration, previous: FrontSnapshot?, port: Int
    ) async throws -> FrontSnapshot {
        try await FrontSnapshot(
            configuration, previous: previous, port: port, shared: shared,
            responder: { [current, logger] purpose in
                let dispatch = RequestDispatch(current: current, purpose: purpose, logger: logger)
                return { request, writer, channel in try await dispatch.respond(to: request, writer, on: channel) }
            },
            upgrader: current)
    }

    // MARK: Reload

    /// Takes over routes, limits, certificates, files, subscriptions and whatever else may change while it runs: requests and connections
    /// from now on have it; those that are held go on as they began.
    ///
    /// What cannot change while it runs (addresses, TLS at all, the folder of uploads, `original`) stays as it was, and is named in the log.
    ///
    /// - Throws: ``FrontConfigurationError`` and what else speaks against the configuration; the old one stays.
    public func reload(_ configuration: FrontConfiguration) async throws {
        guard let previous = current.value else { throw FrontConfigurationError("the front does not run yet") }
        guard !orders.isAsked else { throw FrontConfigurationError("the front is about to stop") }
        let (configuration, unchanged) = try configuration.replacing(previous.configuration)
        try configuration.check()
        let snapshot = try await snapshot(configuration, previous: previous, port: previous.port)
        let known = Set(previous.configuration.routes.map(\.queue))
        await shared.clients.open(configuration.routes.filter { !known.contains($0.queue) }, logger: logger)
        current.set(snapshot)
        if !unchanged.isEmpty {
            logger.warning(
                "what cannot change while the front runs stays as it was: restart it",
                metadata: ["settings": "\(unchanged.joined(separator: ", "))"])
        }
    }

    private func reload(by configuration: (@Sendable () throws -> FrontConfiguration)?) async {
        guard let configuration else { return }
        notice.reloading()
        do {
            try await reload(configuration())
            logger.info("the configuration was reloaded")
        } catch {
            logger.error("the configuration was not reloaded; the old one stays", metadata: ["error": "\(error)"])
        }
        if !orders.isAsked { notice.ready() }
    }

    // MARK: Stop

    /// How long the last refusals may take to be written, after the grace.
    private static let farewell = Duration.milliseconds(250)

    private func stop(_ server: FrontServer) async {
        let begin = ContinuousClock.now
        let configuration = current.value?.configuration ?? initial
        let lame = orders.skipsLame ? .zero : configuration.lameTime
        let (registry, drain) = (shared.registry, shared.drain)
        notice.stopping()
        logger.info("about to stop", metadata: ["held": "\(drain.held)", "connections": "\(registry.count)"])
        drain.enter(.lameDuck)
        if lame > .zero {
            registry.tell(AboutToStop())
            await wait(until: begin + lame) { false }
        }
        drain.enter(.draining)
        await server.close()
        registry.tell(ChannelShouldQuiesceEvent())
        let parts = current.value?.parts
        let streams = Task { await parts?.endStreams() }
        await wait(until: begin + configuration.grace) { registry.count == 0 && drain.held == 0 }
        drain.enter(.over)
        if registry.count > 0, !orders.isUrgent {
            await wait(until: .now + Self.farewell) { registry.count == 0 }
        }
        if registry.count > 0 {
            logger.warning("connections were cut at the end of the grace", metadata: ["count": "\(registry.count)"])
        }
        registry.closeAll()
        streams.cancel()
        current.value?.accessLog?.flush()
        let clients = shared.clients
        let last = Task {
            await parts?.stop()
            await clients.shutdown()
        }
        // Whoever does not end in time is left to the end of the process.
        await Self.wait(for: last, until: max(begin + configuration.grace + .milliseconds(600), .now + .milliseconds(200)))
    }

    private func wait(until deadline: ContinuousClock.Instant, _ isDone: () -> Bool) async {
        while !isDone(), ContinuousClock.now < deadline, !orders.isUrgent {
            // Not by Task.sleep alone: a cancelled task does not sleep.
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    private static func wait(for task: Task<Void, Never>, until deadline: ContinuousClock.Instant) async {
        let (stream, done) = AsyncStream.makeStream(of: Void.self)
        Task {
            await task.value
            done.finish()
        }
        Task {
            try? await Task.sleep(until: deadline)
            done.finish()
        }
        for await _ in stream {}
    }
}

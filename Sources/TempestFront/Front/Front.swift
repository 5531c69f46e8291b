// The front as a service: a Hummingbird application around queues. Before it: a FrontConfiguration. After it: browsers.

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
    private let configuration: FrontConfiguration
    private let clients: FrontClients
    private let logger: Logger
    private let table: RouteTable
    private let files: StaticFiles?
    private let drain = Drain()
    private let registry: ConnectionRegistry
    private let onServerRunning: @Sendable (any Channel) async -> Void

    /// - Parameters:
    ///   - redis: where the queues are; without it what `REDIS_URL` names.
    ///   - client: what it talks to Redis with, and does not shut down, made with ``FrontConfiguration/clientOptions``; without it
    ///     one of its own for each event loop.
    ///   - onServerRunning: called once it listens.
    /// - Throws: ``FrontConfigurationError``; ``RedisError`` for a bad URL.
    public init(
        _ configuration: FrontConfiguration, redis: RedisConfiguration? = nil, client: TempestClient? = nil,
        logger: Logger = Logger(label: "tempest.front"),
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws {
        try configuration.check()
        self.configuration = configuration
        registry = ConnectionRegistry(bound: configuration.waiting, logger: logger)
        self.table = try RouteTable(configuration.routes)
        self.clients =
            try client.map { FrontClients($0) }
            ?? FrontClients(redis: redis, options: configuration.clientOptions, logger: logger)
        if let options = configuration.files { files = try StaticFiles(options, logger: logger) } else { files = nil }
        self.logger = logger
        self.onServerRunning = onServerRunning
    }

    /// Runs until a graceful shutdown: then it accepts nothing new, finishes what it holds within the grace, and ends the rest with 503.
    public func run() async throws {
        let parts = try await FrontParts(configuration, redis: clients.main.redisConfiguration, logger: logger)
        let application = try application(parts)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                group.addTask {
                    await self.clients.open(self.configuration.routes, logger: self.logger)
                    try await gracefulShutdown()
                    await self.drainOut()
                    // The application ends by itself once its connections have.
                    try await Task.sleep(for: .seconds(365 * 86_400))
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            await clients.shutdown()
            throw error
        }
        await clients.shutdown()
    }

    /// Runs it with SIGTERM and SIGINT as its graceful shutdown.
    public func runService() async throws {
        try await ServiceGroup(
            configuration: .init(services: [self], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }

    private func application(_ parts: FrontParts) throws -> Application<FrontResponder> {
        var settings = ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port))
        settings.serverName = nil
        return Application(
            responder: try responder(parts), server: server(parts), configuration: settings, services: parts.services,
            onServerRunning: onServerRunning, logger: logger)
    }

    private func server(_ parts: FrontParts) -> HTTPServerBuilder {
        let sockets = configuration.routes.filter(\.isSocket)
        let users = Set(sockets.filter(\.requiresUser).map(\.pattern))
        let door: SocketDoor? =
            sockets.isEmpty
            ? nil
            : SocketDoor(
                sockets.map { SocketRoute($0) }, backend: TempestSocketBackend(client: clients.main, logger: logger),
                isTLS: configuration.tls != nil, trusted: configuration.rules.trusted,
                admission: { try await parts.admit($0, requiresUser: users.contains($1.path)) }, logger: logger)
        let access = AccessPolicy(
            log: configuration.accessLog.map { AccessLog($0, logger: logger) }, trusted: configuration.rules.trusted)
        return .front(
            limits: configuration.limits, tls: configuration.tls, allowsHTTP2: true, registry: registry, upgrader: door,
            access: access, compresses: configuration.compressesSomething)
    }

    private func responder(_ parts: FrontParts) throws -> FrontResponder {
        var rules = configuration.rules
        rules.isTLS = configuration.tls != nil
        let watch = ConnectionWatch()
        var requests: [PathPattern: HeldRequests] = [:]
        for held in table.all where !held.route.isSocket {
            requests[held.route.pattern] = HeldRequests(held, clients: clients, rules: rules, watch: watch, drain: drain)
        }
        return FrontResponder(
            table: table, requests: requests, health: configuration.answersHealth ? Health(clients: clients, drain: drain) : nil,
            parts: parts, files: files, headers: configuration.headers, trusted: configuration.rules.trusted,
            compresses: configuration.compresses)
    }

    private func drainOut() async {
        drain.begin()
        let deadline = ContinuousClock.now + configuration.grace
        while drain.held > 0, ContinuousClock.now < deadline, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
        drain.finish()
    }
}

// What follows from one configuration: made at the start and at each reload, never changed. A request keeps the one that it began with.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import Tempest
import TempestProtocol

/// Routes, limits, certificates, files and parts, as one configuration has them.
final class FrontSnapshot: Sendable {
    let configuration: FrontConfiguration
    let table: RouteTable
    let parts: FrontParts
    let responder: FrontResponder
    let redirect: RedirectResponder
    /// Where the front listens for requests.
    let port: Int
    let door: SocketDoor?
    let clocks: ConnectionClocks
    let accessLog: AccessLog?
    private let connections: Connections
    private let redirected: FrontChannel

    private enum Connections {
        case plain(FrontChannel)
        case secure(SecureFrontChannel)
    }

    /// - Parameters:
    ///   - previous: the one before, whose parts go on where nothing has changed.
    ///   - port: where the front listens for requests.
    ///   - responder: answers the requests of a socket for that purpose.
    /// - Throws: ``FrontConfigurationError`` and what else speaks against the configuration.
    init(
        _ configuration: FrontConfiguration, previous: FrontSnapshot?, port: Int, shared: FrontShared,
        responder: (ListeningSocket.Purpose) -> HTTPChannelHandler.Responder, upgrader: any ConnectionUpgrader
    ) async throws {
        let table = try RouteTable(configuration.routes, previous: previous?.table)
        let parts = try await FrontParts(
            configuration, redis: shared.clients.main.redisConfiguration, previous: previous?.parts, logger: shared.logger)
        (self.configuration, self.table, self.parts, self.port) = (configuration, table, parts, port)
        door = Self.door(configuration, table, parts, shared)
        let files = try configuration.files.map { options throws(FrontConfigurationError) in
            try StaticFiles(options, logger: shared.logger)
        }
        self.responder = Self.responder(configuration, table, parts, files, shared)
        redirect = RedirectResponder(port: configuration.redirect?.port ?? port, files: files)
        let limits = configuration.limits
        if let previous, previous.configuration.limits.resolution == limits.resolution {
            clocks = previous.clocks
        } else {
            clocks = ConnectionClocks(resolution: limits.resolution)
        }
        // One for as long as the format is the same: two would write into each other's lines.
        if let log = previous?.accessLog, log.format == configuration.accessLog {
            accessLog = log
        } else {
            accessLog = configuration.accessLog.map { AccessLog($0, logger: shared.logger) }
        }
        var services = ConnectionServices(limits: limits, clocks: clocks, registry: shared.registry, drain: shared.drain)
        services.access = AccessPolicy(log: accessLog, trusted: configuration.rules.trusted)
        redirected = FrontChannel(responder: responder(.redirect), services: services)
        services.upgrader = upgrader
        services.compresses = configuration.compressesSomething
        if let tls = configuration.tls {
            connections = .secure(
                try SecureFrontChannel(responder: responder(.requests), tls: tls, allowsHTTP2: true, services: services))
        } else {
            connections = .plain(FrontChannel(responder: responder(.requests), services: services))
        }
    }

    /// Prepares a connection of a socket for that purpose, on its event loop, and serves it to its end.
    func serve(_ channel: any Channel, _ purpose: ListeningSocket.Purpose, logger: Logger) -> EventLoopFuture<Void> {
        // Unstructured: what a connection's task waits for may outlive the front's patience, and must not hold up its end. It ends with
        // the connection.
        switch (purpose, connections) {
        case (.redirect, _): Self.serve(channel, redirected, logger)
        case (.requests, .plain(let http1)): Self.serve(channel, http1, logger)
        case (.requests, .secure(let secure)): Self.serve(channel, secure, logger)
        }
    }

    private static func serve(
        _ channel: any Channel, _ kind: some HTTPChannelHandler, _ logger: Logger
    ) -> EventLoopFuture<Void> {
        kind.setup(channel: channel, logger: logger).map { value in
            Task { await kind.handle(value: value, logger: logger) }
        }
    }

    private static func door(
        _ configuration: FrontConfiguration, _ table: RouteTable, _ parts: FrontParts, _ shared: FrontShared
    ) -> SocketDoor? {
        let sockets = table.all.filter(\.route.isSocket)
        guard !sockets.isEmpty else { return nil }
        let users = Set(sockets.map(\.route).filter(\.requiresUser).map(\.pattern))
        let backend = TempestSocketBackend(
            client: shared.clients.main, patience: .nanoseconds(configuration.patience.nanoseconds), logger: shared.logger)
        return SocketDoor(
            sockets.map { SocketRoute($0) }, backend: backend, isTLS: configuration.tls != nil,
            trusted: configuration.rules.trusted, open: shared.sockets,
            headers: configuration.headers,
            admission: { try await parts.admit($0, requiresUser: users.contains($1.path)) }, logger: shared.logger)
    }

    private static func responder(
        _ configuration: FrontConfiguration, _ table: RouteTable, _ parts: FrontParts, _ files: StaticFiles?,
        _ shared: FrontShared
    ) -> FrontResponder {
        var rules = configuration.rules
        rules.isTLS = configuration.tls != nil
        var requests: [ObjectIdentifier: HeldRequests] = [:]
        for held in table.all where !held.route.isSocket {
            requests[ObjectIdentifier(held)] = HeldRequests(
                held, clients: shared.clients, rules: rules, watch: shared.watch, drain: shared.drain)
        }
        // Workers of node-tempest answer to a port of ours, not to an inbox.
        let queues = configuration.routes.filter { !$0.isOriginal }.map(\.queue)
        let health = Health(clients: shared.clients, queues: Set(queues), drain: shared.drain)
        return FrontResponder(
            table: table, requests: requests, health: configuration.answersHealth ? health : nil,
            parts: parts, files: files, headers: configuration.headers, trusted: configuration.rules.trusted,
            compresses: configuration.compresses)
    }
}

/// What a front has from its beginning to its end, whatever is reloaded.
struct FrontShared: Sendable {
    let clients: FrontClients
    let drain = Drain()
    let watch = ConnectionWatch()
    let sockets = SocketCount()
    let registry: ConnectionRegistry
    let logger: Logger
}

/// The snapshot that holds now.
final class CurrentSnapshot: Sendable {
    private let snapshot = Mutex<FrontSnapshot?>(nil)

    /// nil before the front runs.
    var value: FrontSnapshot? { snapshot.withLock { $0 } }

    func set(_ new: FrontSnapshot) { snapshot.withLock { $0 = new } }
}

extension CurrentSnapshot: ConnectionUpgrader {
    func wants(_ head: HTTPRequestHead) -> Bool { value?.door?.wants(head) ?? false }

    func upgrade(_ head: HTTPRequestHead, of channel: any Channel) -> EventLoopFuture<UpgradeDecision> {
        value?.door?.upgrade(head, of: channel) ?? channel.eventLoop.makeSucceededFuture(.refused(.notFound))
    }
}

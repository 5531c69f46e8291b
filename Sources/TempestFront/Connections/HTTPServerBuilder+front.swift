// How a Hummingbird application gets the front's connections. Before it: the front's configuration, or an application of your own.
// After it: FrontChannel or SecureFrontChannel for each connection.

public import HummingbirdCore
public import Logging
public import NIOSSL
public import Tempest

extension HTTPServerBuilder {
    /// A server with the front's limits, by TLS and HTTP/2 if wanted, and with its sockets.
    ///
    /// ```swift
    /// let app = Application(router: router, server: try .front())
    /// ```
    ///
    /// - Parameters:
    ///   - limits: what one connection may take.
    ///   - tls: certificate and key; nil: plain HTTP/1.1.
    ///   - allowsHTTP2: by TLS, whether browsers may choose HTTP/2.
    ///   - sockets: paths that are WebSockets.
    ///   - client: reaches the workers of `sockets`; must be given when there are some, and be shut down after the server.
    ///   - registry: knows the server's connections, and bounds what waits for all of them; nil: one of its own.
    /// - Throws: `NIOSSLError` when the application is run, for certificates or keys that do not fit.
    public static func front(
        limits: ConnectionLimits = .init(), tls: TLSConfiguration? = nil, allowsHTTP2: Bool = true,
        sockets: [SocketRoute] = [], trusted: TrustedProxies = .none, client: TempestClient? = nil,
        registry: ConnectionRegistry? = nil, logger: Logger = Logger(label: "tempest.front")
    ) -> HTTPServerBuilder {
        precondition(sockets.isEmpty || client != nil, "sockets need a client that reaches their workers")
        let door = client.flatMap { client in
            sockets.isEmpty
                ? nil
                : SocketDoor(
                    sockets, backend: TempestSocketBackend(client: client, logger: logger), isTLS: tls != nil, trusted: trusted,
                    logger: logger)
        }
        var services = ConnectionServices(limits: limits, registry: registry ?? ConnectionRegistry(logger: logger))
        services.upgrader = door
        return front(tls: tls, allowsHTTP2: allowsHTTP2, services: services)
    }

    static func front(
        limits: ConnectionLimits, tls: TLSConfiguration?, allowsHTTP2: Bool, registry: ConnectionRegistry = .init(),
        upgrader: (any ConnectionUpgrader)?
    ) -> HTTPServerBuilder {
        var services = ConnectionServices(limits: limits, registry: registry)
        services.upgrader = upgrader
        return front(tls: tls, allowsHTTP2: allowsHTTP2, services: services)
    }

    private static func front(tls: TLSConfiguration?, allowsHTTP2: Bool, services: ConnectionServices) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            guard let tls else { return FrontChannel(responder: responder, services: services) }
            return try SecureFrontChannel(responder: responder, tls: tls, allowsHTTP2: allowsHTTP2, services: services)
        }
    }
}

// Makes connections: TCP or unix socket, TLS, password, database, name, and who the server is.
// Used by RedisClient for the shared connection and for those of a caller's own.

import Logging
import NIOCore
import NIOPosix
import NIOSSL

struct RedisConnector: Sendable {
    let configuration: RedisConfiguration
    let logger: Logger
    /// Whether Redis does not know the user, and took the password alone.
    private let hasLostUser: Latch

    init(configuration: RedisConfiguration, logger: Logger) {
        self.init(configuration, logger, Latch())
    }

    private init(_ configuration: RedisConfiguration, _ logger: Logger, _ hasLostUser: Latch) {
        (self.configuration, self.logger, self.hasLostUser) = (configuration, logger, hasLostUser)
    }

    /// Connects once. A failure is a RedisError.
    ///
    /// - Parameter haste: how long connecting may take, and each reply afterwards; nil: as long as the configuration says.
    func connect(
        name: String, on eventLoop: any EventLoop, within haste: TimeAmount? = nil
    ) -> EventLoopFuture<RedisConnection> {
        if let haste {
            var hasty = self.configuration
            let most = Duration.nanoseconds(haste.nanoseconds)
            (hasty.connectTimeout, hasty.commandTimeout) = (min(most, hasty.connectTimeout), min(most, hasty.commandTimeout))
            return RedisConnector(hasty, self.logger, self.hasLostUser).connect(name: name, on: eventLoop)
        }
        guard let user = self.configuration.username, self.configuration.origin.mayLoseUser else {
            return self.connectAsConfigured(name: name, on: eventLoop)
        }
        var nameless = self.configuration
        nameless.username = nil
        let withoutUser = RedisConnector(nameless, self.logger, self.hasLostUser)
        if self.hasLostUser.isSet { return withoutUser.connectAsConfigured(name: name, on: eventLoop) }
        return self.connectAsConfigured(name: name, on: eventLoop).flatMapError { refused in
            guard (refused as? RedisError)?.reply?.hasPrefix("WRONGPASS") == true else {
                return eventLoop.makeFailedFuture(refused)
            }
            return withoutUser.connectAsConfigured(name: name, on: eventLoop)
                // What is wrong is the URL as it was written.
                .flatMapErrorThrowing { _ in throw refused }
                .map { connection in
                    guard self.hasLostUser.set() else { return connection }
                    self.logger.notice(
                        "Redis does not know the user of this URL, but takes its password alone: it is used without the user",
                        metadata: ["variable": "\(self.configuration.origin.name)", "user": "\(user)"])
                    return connection
                }
        }
    }

    private func connectAsConfigured(name: String, on eventLoop: any EventLoop) -> EventLoopFuture<RedisConnection> {
        let place = self.configuration.place
        return self.tlsContext(on: eventLoop)
            .flatMap { self.open(on: eventLoop, tls: $0) }
            .flatMap { self.handshake($0, name: name) }
            .flatMapErrorThrowing { throw TransportFailure.error($0, at: place) }
    }

    /// The files are read for each connection, off the event loop: certificates get renewed.
    private func tlsContext(on eventLoop: any EventLoop) -> EventLoopFuture<NIOSSLContext?> {
        guard let tls = self.configuration.tls, self.configuration.socketPath == nil else {
            return eventLoop.makeSucceededFuture(nil)
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { try Self.context(tls) }
    }

    private static func context(_ tls: RedisTLS) throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12
        var file = ""
        do {
            if let caFile = tls.caFile {
                file = caFile
                settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(caFile))
            }
            if let certificateFile = tls.certificateFile {
                file = certificateFile
                settings.certificateChain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) }
            }
            if let keyFile = tls.keyFile {
                file = keyFile
                settings.privateKey = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
            }
            file = ""
            return try NIOSSLContext(configuration: settings)
        } catch {
            let what = file.isEmpty ? "do the certificate and the key belong together?" : "\(file) cannot be read as PEM"
            throw RedisError(.tls, "TLS cannot be set up: \(what) (\(error))")
        }
    }

    private func open(on eventLoop: any EventLoop, tls: NIOSSLContext?) -> EventLoopFuture<RedisConnection> {
        let configuration = self.configuration
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(clamping: configuration.connectTimeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 8192, maximum: 262_144))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let name = configuration.tls?.serverName ?? configuration.host
                        // Addresses are no server names: NIOSSL compares the certificate with the peer's address then.
                        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : name))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        RedisChannelHandler(configuration.place))
                }
            }
        let channel =
            if let socketPath = configuration.socketPath {
                bootstrap.connect(unixDomainSocketPath: socketPath)
            } else {
                bootstrap.connect(host: configuration.host, port: configuration.port)
            }
        return channel.flatMapThrowing { channel in
            RedisConnection(
                channel: channel,
                handler: NIOLoopBound(
                    try channel.pipeline.syncOperations.handler(type: RedisChannelHandler.self), eventLoop: channel.eventLoop),
                commandTimeout: TimeAmount(clamping: configuration.connectTimeout))
        }
    }

    /// All first words go out together; the replies are judged in order.
    private func handshake(_ connection: RedisConnection, name: String) -> EventLoopFuture<RedisConnection> {
        let handshake = Handshake(configuration: self.configuration, name: name)
        let replies = handshake.commands.map { connection.send($0.command) }
        return EventLoopFuture.whenAllComplete(replies, on: connection.eventLoop).flatMapThrowing { results in
            do {
                let server = try handshake.judge(results)
                self.logger.debug(
                    "Connected to Redis",
                    metadata: [
                        "redis": "\(self.configuration)", "client": "\(name)", "id": "\(server.clientID)",
                        "version": "\(server.version)",
                    ])
                return RedisConnection(
                    channel: connection.channel, handler: connection.handler,
                    commandTimeout: TimeAmount(clamping: self.configuration.commandTimeout),
                    clientID: server.clientID, serverRunID: server.runID, serverVersion: server.version)
            } catch {
                connection.close()
                throw error
            }
        }
    }
}

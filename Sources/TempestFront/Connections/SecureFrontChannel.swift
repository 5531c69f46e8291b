// A browser's connection by TLS, which agrees on HTTP/1.1 or HTTP/2. Before it: the listening socket. After it: FrontChannel, or
// MultiplexedChannel.

public import HummingbirdCore
public import Logging
public import NIOCore
import NIOHTTP2
import NIOSSL

/// The front's channel over TLS. Browsers open WebSockets by HTTP/1.1 even where they speak HTTP/2.
public struct SecureFrontChannel: HTTPChannelHandler {
    /// What a connection has agreed on, once it has.
    public struct Value: ServerChildChannelValue {
        let version: EventLoopFuture<NIONegotiatedHTTPVersion<FrontChannel.Value, MultiplexedChannel.Value>>
        public let channel: any Channel
    }

    private let context: NIOSSLContext
    private let http1: FrontChannel
    private let http2: MultiplexedChannel
    private let services: ConnectionServices
    private let executors = LoopExecutors()

    public var responder: Responder { http1.responder }

    /// - Throws: `NIOSSLError` for certificates or keys that do not fit.
    init(responder: @escaping Responder, tls: TLSConfiguration, allowsHTTP2: Bool, services: ConnectionServices) throws {
        var tls = tls
        tls.applicationProtocols = allowsHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        context = try NIOSSLContext(configuration: tls)
        self.services = services
        http1 = FrontChannel(responder: responder, services: services)
        http2 = MultiplexedChannel(responder: responder, services: services)
    }

    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let (bytes, clock) = (ByteWatch(), services.clocks.clock(channel.eventLoop))
        let gate = SecureGate(limits: services.limits, bytes: bytes, clock: clock, logger: logger)
        let shared = NIOLoopBound((bytes, gate), eventLoop: channel.eventLoop)
        bytes.register(channel, in: services.registry)
        do {
            try channel.pipeline.syncOperations.addHandlers([bytes, gate, NIOSSLServerHandler(context: context)])
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        return channel.configureHTTP2AsyncSecureUpgrade { channel in
            let (bytes, gate) = shared.value
            gate.negotiated()
            return http1.setup(channel: channel, bytes: bytes, logger: logger)
        } http2ConnectionInitializer: { channel in
            let (bytes, gate) = shared.value
            gate.negotiated()
            return channel.eventLoop.makeCompletedFuture {
                try http2.setup(channel: channel, bytes: bytes, logger: logger)
            }
        }.map { Value(version: $0, channel: channel) }
    }

    public func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.version.get() {
            case .http1_1(let http1): await self.http1.handle(value: http1, logger: logger)
            case .http2(let http2):
                await withTaskExecutorPreference(executors.executor(value.channel.eventLoop)) {
                    await self.http2.handle(http2, logger: logger)
                }
            }
        } catch {
            logger.debug("a connection ended before it had agreed on a version of HTTP", metadata: ["error": "\(error)"])
        }
    }
}

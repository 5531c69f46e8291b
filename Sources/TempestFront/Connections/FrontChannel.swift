// A browser's connection by HTTP/1, with limits and upgrades. Before it: the listening socket, or TLS. After it: Hummingbird's responder,
// or a WebSocket.

public import HummingbirdCore
public import Logging
public import NIOCore
import NIOHTTP1

/// Hummingbird's channel for HTTP/1 behind a gate that enforces ``ConnectionLimits`` and lets sockets through.
public struct FrontChannel: HTTPChannelHandler {
    public typealias Value = HTTP1Channel.Value

    private let http1: HTTP1Channel
    private let services: ConnectionServices
    private let executors = LoopExecutors()

    public var responder: Responder { http1.responder }

    init(responder: @escaping Responder, services: ConnectionServices) {
        let limits = services.limits
        // The gate has the times; Hummingbird's handler for idle connections is left without one.
        let configuration = HTTP1Channel.Configuration(
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
                maxHeaderFieldCount: limits.headerFields))
        http1 = HTTP1Channel(responder: responder, configuration: configuration)
        self.services = services
    }

    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        setup(channel: channel, bytes: nil, logger: logger)
    }

    /// - Parameter bytes: a watch that is already next to the socket, below TLS, and registered.
    func setup(channel: any Channel, bytes: ByteWatch?, logger: Logger) -> EventLoopFuture<Value> {
        http1.setup(channel: channel, logger: logger).assumeIsolated().flatMapThrowing { value in
            let (pipeline, limits) = (channel.pipeline.syncOperations, services.limits)
            let watch = bytes ?? ByteWatch()
            if bytes == nil {
                watch.register(channel, in: services.registry)
                try pipeline.addHandler(watch, position: .before(pipeline.handler(type: HTTPResponseEncoder.self)))
            }
            let gate = RequestGate(
                limits: limits, bytes: watch, clock: services.clocks.clock(channel.eventLoop), upgrader: services.upgrader,
                drain: services.drain, logger: logger)
            let messages = MessageWatch(services.access)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(gate, position: .after(decoder))
            try pipeline.addHandler(messages, position: .after(decoder))
            if services.compresses { try pipeline.addHandlers(CompressionHandlers.http1(watch), position: .after(gate)) }
            let headers = HeaderBytesHandler(watch: messages, limit: limits.headerBytes)
            try pipeline.addHandler(headers, position: .before(pipeline.handler(type: HTTPResponseEncoder.self)))
            gate.tail = headers
            if !limits.allowsHalfClosure {
                try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
            }
            return value
        }.nonisolated()
    }

    public func handle(value: Value, logger: Logger) async {
        await withTaskExecutorPreference(executors.executor(value.channel.eventLoop)) {
            await http1.handle(value: value, logger: logger)
        }
    }
}

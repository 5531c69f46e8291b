// HTTP/2 on one connection, with a channel of its own for each stream.

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP2
import NIOHTTPTypesHTTP2

/// NIO's HTTP/2 with the front's limits: those of HTTP/1, on each stream.
struct MultiplexedChannel: Sendable {
    typealias Streams = NIOHTTP2Handler.AsyncStreamMultiplexer<HTTP1Channel.Value>

    struct Value: Sendable {
        let streams: Streams
        let channel: any Channel
    }

    /// The most that a request's headers may be before they cost the connection, each field 32 bytes more than it has; up to here they cost
    /// a 431.
    static let headerBound = 256 << 10

    private let http1: HTTP1Channel
    private let services: ConnectionServices

    init(responder: @escaping HTTPChannelHandler.Responder, services: ConnectionServices) {
        http1 = HTTP1Channel(responder: responder)
        self.services = services
    }

    /// - Parameter bytes: the watch next to the socket.
    func setup(channel: any Channel, bytes: ByteWatch, logger: Logger) throws -> Value {
        let (limits, clock) = (services.limits, services.clocks.clock(channel.eventLoop))
        let wire = HTTP2Wire()
        let gate = HTTP2Gate(limits: limits, bytes: bytes, wire: wire, clock: clock, drain: services.drain, logger: logger)
        let shared = NIOLoopBound((wire, bytes, clock), eventLoop: channel.eventLoop)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers(wire, HeaderBlockMender())
        let streams = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: gate, configuration: configuration
        ) { [services] stream in
            stream.eventLoop.makeCompletedFuture {
                let (wire, bytes, clock) = shared.value
                let pipeline = stream.pipeline.syncOperations
                if let access = services.access { try pipeline.addHandler(StreamAccessHandler(access)) }
                try pipeline.addHandler(
                    StreamGate(limits: services.limits, clock: clock, wire: wire, bytes: bytes, logger: logger))
                try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                if services.compresses { try pipeline.addHandlers(CompressionHandlers.http2()) }
                return try HTTP1Channel.Value(wrappingChannelSynchronously: stream)
            }
        }
        try pipeline.addHandler(gate)
        return Value(streams: streams, channel: channel)
    }

    private var configuration: NIOHTTP2Handler.Configuration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        let bound = max(Self.headerBound, 2 * services.limits.headerBytes)
        connection.initialSettings = [HTTP2Setting(parameter: .maxHeaderListSize, value: bound)]
        // Of 16 KiB each.
        connection.maximumSequentialContinuationFrames = bound >> 14
        return NIOHTTP2Handler.Configuration(connection: connection, stream: .init())
    }

    func handle(_ value: Value, logger: Logger) async {
        do {
            try await withThrowingDiscardingTaskGroup { group in
                for try await stream in value.streams.inbound {
                    group.addTask { await http1.handle(value: stream, logger: logger) }
                }
            }
        } catch {
            logger.debug("an HTTP/2 connection has failed", metadata: ["error": "\(error)"])
        }
    }
}

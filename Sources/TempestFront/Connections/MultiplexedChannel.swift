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

    /// How often in 30 seconds a client may do what costs the server more than itself, before its connection ends.
    static let quick = 1000

    private let http1: HTTP1Channel
    private let services: ConnectionServices

    init(responder: @escaping HTTPChannelHandler.Responder, services: ConnectionServices) {
        http1 = HTTP1Channel(responder: responder)
        self.services = services
    }

    /// - Parameter bytes: the watch next to the socket.
    func setup(channel: any Channel, bytes: ByteWatch, logger: Logger) throws -> Value {
        let (limits, clock) = (services.limits, services.clocks.clock(channel.eventLoop))
        let wire = HTTP2Wire(headerBound: headerBound)
        let gate = HTTP2Gate(limits: limits, bytes: bytes, wire: wire, clock: clock, drain: services.drain, logger: logger)
        let shared = NIOLoopBound((wire, bytes, clock), eventLoop: channel.eventLoop)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(wire)
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
                if services.compresses { try pipeline.addHandlers(CompressionHandlers.http2(bytes)) }
                return try HTTP1Channel.Value(wrappingChannelSynchronously: stream)
            }
        }
        try pipeline.addHandler(gate)
        return Value(streams: streams, channel: channel)
    }

    private var headerBound: Int { max(Self.headerBound, 2 * services.limits.headerBytes) }

    private var configuration: NIOHTTP2Handler.Configuration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxHeaderListSize, value: headerBound),
            // HTTP2Outlet tells the client of fewer, and StreamGate refuses what is more than those. Whoever reads no refusals ends here.
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 10 * HTTP2Outlet.concurrentStreams),
        ]
        // Of 16 KiB each, with a priority before them.
        connection.maximumSequentialContinuationFrames = headerBound >> 14 + 2
        // What a browser may do that turns a large page quickly: it takes back many requests, and their bodies are still under way.
        connection.maximumRecentlyResetStreams = Self.quick
        connection.maximumSequentialEmptyDataFrames = Self.quick
        connection.controlFrameRateLimit.maximumCount = Self.quick
        // Streams that are refused end by themselves, however many there have been.
        connection.maximumConnectionGlitches = .max
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = Self.quick
        stream.streamErrorRateLimit.maximumCount = Self.quick
        return NIOHTTP2Handler.Configuration(connection: connection, stream: stream)
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

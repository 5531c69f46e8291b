// What NIO's HTTP/2 handler does not tell about the bytes of a connection.

import NIOCore
import NIOHTTP2

/// Lets the front's settings hold from the first request on, counts what of each stream has gone out, and ends the connection after an
/// error that is the connection's.
///
/// - NIO's limit for the headers of a request holds only once the client has confirmed it, and before that is 16 KiB: the first request of
///   a browser with many cookies would end the connection. So NIO is told of the confirmation at once, and not when it comes.
/// - NIO reports errors of streams and of connections alike. Those of a connection are the ones for which it says GOAWAY.
/// - A connection is closed a turn of the event loop later, and flushed first: it may be the end of its last response that closes it.
final class HTTP2Wire: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private enum Phase {
        /// So many bytes of the preface are to come.
        case preface(Int)
        /// Frames before the client's confirmation; so many bytes of the last one are to come, and whether it is the client's settings.
        case frames(rest: Int, isSettings: Bool)
        /// Nothing is looked at any more.
        case confirmed
    }

    private static let confirmation: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    private var phase = Phase.preface(24)
    private var hasSettings = false
    /// The beginning of a frame's header.
    private var partial = ByteBuffer()
    /// How many bytes of a frame's payload are to be written.
    private var payload = 0
    private var isClosing = false
    private var streams: [HTTP2StreamID: StreamGate] = [:]
    /// How many bytes the client lets the connection send.
    var window = 65_535
    /// Bytes of bodies that have gone out, of all streams.
    private(set) var taken = 0
    /// Bytes of bodies that wait in all streams.
    var waiting = 0

    /// Whether the connection, rather than one of its streams, takes no more now.
    func isBlocked(_ bytes: ByteWatch, _ channel: (any Channel)?) -> Bool {
        window <= 0 || channel.map { bytes.count($0) > 0 } ?? false
    }

    func add(_ gate: StreamGate, _ id: HTTP2StreamID) { streams[id] = gate }
    func remove(_ id: HTTP2StreamID) { streams[id] = nil }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .confirmed = phase { return context.fireChannelRead(data) }
        var buffer = unwrapInboundIn(data)
        if partial.readableBytes > 0 {
            partial.writeBuffer(&buffer)
            (buffer, partial) = (partial, ByteBuffer())
        }
        while buffer.readableBytes > 0 {
            switch phase {
            case .preface(let rest):
                let count = min(rest, buffer.readableBytes)
                pass(&buffer, count, context)
                phase = rest > count ? .preface(rest - count) : .frames(rest: 0, isSettings: false)
            case .frames(rest: 0, _):
                guard let frame = HTTP2FrameHeader(buffer) else {
                    partial = buffer
                    return
                }
                if frame.isConfirmation, hasSettings {
                    buffer.moveReaderIndex(forwardBy: HTTP2FrameHeader.size)
                    phase = .confirmed
                } else {
                    let isFirst = frame.type == 4 && !hasSettings
                    if isFirst { hasSettings = true }
                    pass(&buffer, HTTP2FrameHeader.size, context)
                    phase = .frames(rest: frame.length, isSettings: isFirst)
                    if frame.length == 0, isFirst { confirm(context) }
                }
            case .frames(let rest, let isSettings):
                let count = min(rest, buffer.readableBytes)
                pass(&buffer, count, context)
                phase = .frames(rest: rest - count, isSettings: isSettings)
                if rest == count, isSettings { confirm(context) }
            case .confirmed: pass(&buffer, buffer.readableBytes, context)
            }
        }
    }

    private func pass(_ buffer: inout ByteBuffer, _ count: Int, _ context: ChannelHandlerContext) {
        if let part = buffer.readSlice(length: count) { context.fireChannelRead(wrapInboundOut(part)) }
    }

    private func confirm(_ context: ChannelHandlerContext) {
        context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: Self.confirmation)))
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .byteBuffer(let buffer) = unwrapOutboundIn(data) { look(buffer, context) }
        context.write(data, promise: promise)
    }

    private func look(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        var rest = buffer
        while rest.readableBytes > 0 {
            if payload > 0 {
                let count = min(payload, rest.readableBytes)
                rest.moveReaderIndex(forwardBy: count)
                payload -= count
                continue
            }
            guard let frame = HTTP2FrameHeader(rest) else { return }
            rest.moveReaderIndex(forwardBy: HTTP2FrameHeader.size)
            payload = frame.length
            switch frame.type {
            case 0:
                window -= frame.length
                taken += frame.length
                streams[HTTP2StreamID(frame.stream)]?.sent(frame.length)
            case 7:
                if rest.getInteger(at: rest.readerIndex + 4, as: UInt32.self) ?? 0 != 0 { end(context) }
            default: break
            }
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        close(context: context, mode: .all, promise: nil)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.eventLoop.assumeIsolated().execute {
            context.flush()
            context.close(mode: mode, promise: promise)
        }
    }
}

extension HTTP2FrameHeader {
    /// Of a client's word that it has the server's settings.
    fileprivate var isConfirmation: Bool { type == 4 && flags & 1 == 1 && length == 0 && stream == 0 }
}

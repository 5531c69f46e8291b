// The frames of an HTTP/2 connection, between its bytes and NIO's HTTP/2.

import NIOCore
import NIOHTTP2

/// Lets frames pass as HTTP2Intake and HTTP2Outlet have them, counts what of each stream has gone out, and ends the connection after an
/// error that is the connection's.
///
/// - NIO reports errors of streams and of connections alike. Those of a connection are the ones for which it says GOAWAY.
/// - A connection is closed a turn of the event loop later, and flushed first: it may be the end of its last response that closes it.
final class HTTP2Wire: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private var intake: HTTP2Intake
    private var outlet = HTTP2Outlet()
    private var streams: [HTTP2StreamID: StreamGate] = [:]
    private var lastStream = HTTP2StreamID.rootStream
    /// A header block that is not whole: of which stream, and since when.
    private var half: (stream: Int, since: NIODeadline)?
    private var refusals = 0
    private var refusalsSince = NIODeadline.distantPast
    private var context: ChannelHandlerContext?
    /// The connection ends: nothing more is read or said.
    private var isOver = false
    /// How many bytes the client lets the connection send.
    var window = 65_535
    /// Bytes of bodies that have gone out, of all streams.
    private(set) var taken = 0
    /// Bytes of bodies that wait in all streams.
    var waiting = 0

    /// - Parameter headerBound: bytes of a header block that NIO takes.
    init(headerBound: Int) { intake = HTTP2Intake(headerBound: headerBound) }

    /// Whether the connection, rather than one of its streams, takes no more now.
    func isBlocked(_ bytes: ByteWatch, _ channel: (any Channel)?) -> Bool {
        window <= 0 || channel.map { bytes.count($0) > 0 } ?? false
    }

    /// Whether there are more streams than a client may have.
    var isCrowded: Bool { streams.count > HTTP2Outlet.concurrentStreams }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Since when a request's headers have begun, and not ended.
    var halfSince: NIODeadline? { half?.since }

    /// A stream is refused by the front. To refuse costs more than to ask, so this may not go on without end.
    func refused(_ now: NIODeadline) {
        if now - refusalsSince > .seconds(30) { (refusals, refusalsSince) = (0, now) }
        refusals += 1
        if refusals > MultiplexedChannel.quick { end(.enhanceYourCalm) }
    }

    func add(_ gate: StreamGate, _ id: HTTP2StreamID) {
        streams[id] = gate
        lastStream = max(lastStream, id)
    }

    func remove(_ id: HTTP2StreamID) { streams[id] = nil }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        intake.append(unwrapInboundIn(data))
        while !isOver, let step = intake.next() {
            switch step {
            case .pass(let bytes): context.fireChannelRead(wrapInboundOut(bytes))
            case .frameSize(let size): outlet.frameSize = size
            // Of a stream that is over, or has not begun, nobody is to be told.
            case .fault(let stream, let code): streams[HTTP2StreamID(stream)]?.fail(code)
            }
        }
        if let stream = intake.half {
            if half?.stream != stream { half = (stream, context.eventLoop.now) }
        } else {
            half = nil
        }
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard case .byteBuffer(let buffer) = unwrapOutboundIn(data), buffer.readableBytes > 0 else {
            return context.write(data, promise: promise)
        }
        switch outlet.write(buffer, lastStream: Int(lastStream), sends: count) {
        case .pass: context.write(data, promise: promise)
        case .hold: promise?.succeed()
        case .instead(let pieces):
            for piece in pieces.dropLast() { context.write(wrapOutboundOut(.byteBuffer(piece)), promise: nil) }
            if let last = pieces.last { context.write(wrapOutboundOut(.byteBuffer(last)), promise: promise) }
        case .last(let frame):
            isOver = true
            close(context: context, mode: .all, promise: nil)
            context.write(wrapOutboundOut(.byteBuffer(frame)), promise: promise)
        }
    }

    /// Says goodbye without NIO, which takes no stream any more once it has said so itself: the client is told to go elsewhere, and
    /// everything that it asks before it knows is served.
    func announce() {
        guard !isOver, let context else { return }
        context.write(wrapOutboundOut(.byteBuffer(HTTP2Outlet.goAway(Int(HTTP2StreamID.maxID), .noError))), promise: nil)
    }

    /// Ends the connection for its client's fault.
    func end(_ code: HTTP2ErrorCode) {
        guard !isOver, let context else { return }
        isOver = true
        context.write(wrapOutboundOut(.byteBuffer(HTTP2Outlet.goAway(Int(lastStream), code))), promise: nil)
        close(context: context, mode: .all, promise: nil)
    }

    private func count(_ frame: HTTP2FrameHeader) {
        window -= frame.length
        taken += frame.length
        streams[HTTP2StreamID(frame.stream)]?.sent(frame.length)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.eventLoop.assumeIsolated().execute {
            context.flush()
            context.close(mode: mode, promise: promise)
        }
    }
}

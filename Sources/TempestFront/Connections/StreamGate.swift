// The gate of one stream of HTTP/2: its request is held to the rules of HTTP/1, its body comes, its response is whole, and is taken. Before
// it: HTTP/2's multiplexer. After it: Hummingbird's handlers of a stream.

import Logging
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// Refuses what HTTP/1 would refuse, resets a stream whose body is slower than ``ConnectionLimits/bodyRate`` or whose response is hardly
/// taken, and breaks a response off so that its client knows. What is wrong with a stream harms no other.
final class StreamGate: ChannelDuplexHandler, RemovableChannelHandler, ClockMember {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Of connections of HTTP/1: they end streams of HTTP/2 as an error (RFC 9113 8.2.2).
    private static let forbidden = ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]

    private let limits: ConnectionLimits
    private let clock: ConnectionClock
    private let wire: HTTP2Wire
    private let bytes: ByteWatch
    private let logger: Logger
    private var times: ConnectionTimes
    private var context: ChannelHandlerContext?
    private var id: HTTP2StreamID?
    private var hasHead = false
    private var isHead = false
    private var isReading = true
    private var wantsRead = false
    /// The request is answered by the gate: nothing of it goes on.
    private var isRefused = false
    private var hasBegunResponse = false
    /// The end of the response is written, and may still wait behind its body.
    private var hasEndedResponse = false
    private var promised = PromisedLength()
    private var isBodiless = false
    private var waiting = 0
    private var taken = 0

    init(limits: ConnectionLimits, clock: ConnectionClock, wire: HTTP2Wire, bytes: ByteWatch, logger: Logger) {
        (self.limits, self.clock, self.wire, self.bytes, self.logger) = (limits, clock, wire, bytes, logger)
        times = ConnectionTimes(limits: limits, now: clock.now)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        clock.add(self)
        id = try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)
        if let id { wire.add(self, id) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        leave()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        clock.remove(self)
        if let id { wire.remove(id) }
        id = nil
        wait(-waiting)
    }

    /// More bytes wait, or fewer.
    private func wait(_ count: Int) {
        waiting += count
        wire.waiting += count
        bytes.account?.add(count)
    }

    /// Some of the body has gone out.
    func sent(_ count: Int) {
        taken += count
        wait(-count)
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            if headers.endStream { isReading = false }
            if hasHead { break }
            hasHead = true
            // The client did not know, and may ask again elsewhere or later (RFC 9113 5.1.2).
            if wire.isCrowded {
                wire.refused(clock.now)
                return fail(.refusedStream)
            }
            isHead = headers.headers.first(name: ":method") == "HEAD"
            if let status = RequestCheck.problem(headers.headers, limits) { return refuse(status.code, context) }
            if let escaped = HeaderBytes.escaped(headers.headers) {
                var request = headers
                request.headers = escaped
                return context.fireChannelRead(wrapInboundOut(.headers(request)))
            }
        case .data(let body):
            times.bodyCame(body.data.readableBytes)
            if body.endStream { isReading = false }
        default: break
        }
        if !isRefused { context.fireChannelRead(data) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wantsRead = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        wantsRead = true
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("a stream has failed", metadata: ["error": "\(error)"])
        context.fireErrorCaught(error)
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isRefused else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .headers(var response) where !hasEndedResponse:
            begin(&response)
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenFailure { error in
                // Else it is the connection that has failed.
                guard error is any NIOHTTP2Error, let context = self.context, context.channel.isActive else { return }
                self.logger.warning("the head of a response cannot be sent over HTTP/2", metadata: ["error": "\(error)"])
                self.reset(.internalError, context)
            }
            context.write(wrapOutboundOut(.headers(response)), promise: written)
        case .data(var body): write(&body, context, promise)
        default: context.write(data, promise: promise)
        }
    }

    private func begin(_ response: inout HTTP2Frame.FramePayload.Headers) {
        if let text = HeaderBytes.text(response.headers) { response.headers = text }
        for name in Self.forbidden where response.headers.contains(name: name) { response.headers.remove(name: name) }
        guard !hasBegunResponse, let status = response.headers.first(name: ":status"), !status.hasPrefix("1") else { return }
        hasBegunResponse = true
        let hasBody = !isHead && status != "204" && status != "304"
        isBodiless = !hasBody
        if status == "204" { response.headers.remove(name: "content-length") }
        promised = PromisedLength(hasBody ? response.headers.first(name: "content-length") : nil)
        if response.endStream { hasEndedResponse = true }
    }

    private func write(
        _ body: inout HTTP2Frame.FramePayload.Data, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) {
        let count = body.data.readableBytes
        let wanted = isBodiless ? 0 : promised.take(count)
        if wanted < count {
            if !isBodiless { logger.warning("a response is longer than its content-length, and is cut there") }
            guard case .byteBuffer(var buffer) = body.data, let part = buffer.readSlice(length: wanted) else { return }
            body.data = .byteBuffer(part)
        }
        guard body.endStream else {
            guard wanted > 0 else {
                promise?.succeed()
                return
            }
            wait(wanted)
            return context.write(wrapOutboundOut(.data(body)), promise: promise)
        }
        guard !promised.isShort else {
            logger.warning("a response is shorter than its content-length, and is broken off")
            promise?.fail(ChannelError.outputClosed)
            return reset(.internalError, context)
        }
        hasEndedResponse = true
        wait(wanted)
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenSuccess {
            // Nobody reads the rest of the request any more (RFC 9113 8.1).
            if self.isReading, let context = self.context { self.reset(.noError, context) }
        }
        context.write(wrapOutboundOut(.data(body)), promise: written)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if isReading {
            context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
        }
        promise?.succeed()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if hasEndedResponse, context.channel.isActive {
            // The stream ends by itself when all of its response has gone out.
            if let promise { context.channel.closeFuture.cascade(to: promise) }
            return
        }
        // To a client CANCEL would be no error.
        if context.channel.isActive { reset(.internalError, context) }
        context.close(mode: mode, promise: promise)
    }

    // MARK: Ends

    /// Something is wrong with the stream: nothing of it goes on.
    func fail(_ code: HTTP2ErrorCode) {
        guard let context, !isRefused else { return }
        isRefused = true
        reset(code, context)
    }

    private func reset(_ code: HTTP2ErrorCode, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
    }

    /// Answers instead of everybody else.
    private func refuse(_ status: UInt, _ context: ChannelHandlerContext) {
        logger.debug("a request is refused", metadata: ["status": "\(status)"])
        isRefused = true
        wire.refused(clock.now)
        let head: HPACKHeaders = [":status": "\(status)", "content-length": "0", "date": HTTPDate.now.text]
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: head, endStream: true))), promise: nil)
        if isReading { reset(.noError, context) }
    }

    func tick(_ now: NIODeadline) {
        guard let context, context.channel.isActive else { return }
        let verdict = times.look(
            now, firstByte: nil, isBusy: true, wantsBody: isReading && wantsRead, waiting: waiting > 0, taken: taken)
        switch verdict {
        case .slowBody where !hasBegunResponse: refuse(408, context)
        case .stalled:
            // Its part of a connection without room may be small: whether that takes enough is HTTP2Gate's affair.
            guard !wire.isBlocked(bytes, context.channel.parent) else { return }
            logger.debug("a client took hardly anything of a response for \(limits.writeStall): the stream is reset")
            reset(.internalError, context)
        case .slowBody: reset(.internalError, context)
        case .fine, .idle, .slowHeader: break
        }
    }
}

// The gate of one stream of HTTP/2: its body comes, and its response is taken. Before it: HTTP/2's multiplexer. After it: Hummingbird's
// handlers of a stream.

import NIOCore
import NIOHPACK
import NIOHTTP2

/// Resets a stream whose body is slower than ``ConnectionLimits/bodyRate``, or whose response is not taken.
final class StreamGate: ChannelDuplexHandler, RemovableChannelHandler, ClockMember {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let limits: ConnectionLimits
    private let clock: ConnectionClock
    private var times: ConnectionTimes
    private var context: ChannelHandlerContext?
    private var isReading = true
    private var wantsRead = false
    private var waitingWrites = 0
    /// Grows whenever the client takes something.
    private var taken = 0

    init(limits: ConnectionLimits, clock: ConnectionClock) {
        (self.limits, self.clock) = (limits, clock)
        times = ConnectionTimes(limits: limits, now: clock.now)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        clock.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        clock.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        clock.remove(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers) where headers.endStream: isReading = false
        case .data(let body):
            times.bodyCame(body.data.readableBytes)
            if body.endStream { isReading = false }
        default: break
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wantsRead = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        wantsRead = true
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var data = data
        if case .headers(var headers) = unwrapOutboundIn(data), let text = HeaderBytes.text(headers.headers) {
            headers.headers = text
            data = wrapOutboundOut(.headers(headers))
        }
        if case .headers(var headers) = unwrapOutboundIn(data), headers.headers.contains(name: "connection") {
            // Of HTTP/1: it ends streams of HTTP/2 as an error.
            headers.headers.remove(name: "connection")
            data = wrapOutboundOut(.headers(headers))
        }
        waitingWrites += 1
        let promise = promise ?? context.eventLoop.makePromise()
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.waitingWrites -= 1
            self.taken += 1
        }
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if isReading {
            context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
        }
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client makes room for more of this stream.
        if event is NIOHTTP2WindowUpdatedEvent { taken += 1 }
        context.fireUserInboundEventTriggered(event)
    }

    func tick(_ now: NIODeadline) {
        guard let context else { return }
        let verdict = times.look(
            now, firstByte: nil, isBusy: true, wantsBody: isReading && wantsRead, waiting: waitingWrites > 0,
            taken: taken)
        if verdict != .fine { context.close(promise: nil) }
    }
}

/// Puts a ``StreamGate`` before the handlers of a stream: Hummingbird lets others in only after them.
final class StreamGateInstaller: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Never

    private let limits: ConnectionLimits
    private let clocks: ConnectionClocks
    private let access: AccessPolicy?
    private let compresses: Bool

    init(limits: ConnectionLimits, clocks: ConnectionClocks, access: AccessPolicy?, compresses: Bool) {
        (self.limits, self.clocks, self.access, self.compresses) = (limits, clocks, access, compresses)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let gate = StreamGate(limits: limits, clock: clocks.clock(context.eventLoop))
        do {
            try context.pipeline.syncOperations.addHandler(gate, position: .first)
            if compresses {
                try context.pipeline.syncOperations.addHandlers(CompressionHandlers.http2(), position: .after(self))
            }
            if let access {
                try context.pipeline.syncOperations.addHandler(StreamAccessHandler(access), position: .first)
            }
        } catch {
            context.close(promise: nil)
        }
    }
}

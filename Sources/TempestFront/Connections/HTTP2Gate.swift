// The life of an HTTP/2 connection: idle connections end, a shutdown is announced, and a client that does not answer is not waited for.

import Logging
import NIOCore
import NIOHTTP2

/// The front is about to stop: connections of HTTP/2 ask their clients to go elsewhere, and serve on.
struct AboutToStop: Sendable {}

/// Says goodbye as RFC 9113 6.8 has it: GOAWAY, a ping whose answer shows that the client has heard it, GOAWAY with the last stream, and
/// the end once no stream is left. Each step has its time, whether the client answers or not.
final class HTTP2Gate: ChannelInboundHandler, NIOHTTP2StreamDelegate, ClockMember, @unchecked Sendable {
    // Unchecked: NIO asks for it of a delegate, and calls it on the connection's event loop, as all others do.
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum Phase {
        case open
        /// The first GOAWAY is said; until the ping's answer or this moment new streams are taken.
        case leaving(HTTP2PingData, until: NIODeadline)
        /// The last GOAWAY is said; the connection ends with its last stream.
        case left(NIODeadline)
    }

    /// How long a new connection to a front that stops is served before it is told so: some clients ask nothing of a connection whose
    /// first frame is GOAWAY, and connect again.
    private static let welcome = TimeAmount.seconds(1)

    private let limits: ConnectionLimits
    private let bytes: ByteWatch
    private let wire: HTTP2Wire
    private let clock: ConnectionClock
    private let drain: Drain
    private let logger: Logger
    private var phase = Phase.open
    private var streams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var idleSince: NIODeadline
    private var progress: WriteProgress
    private var context: ChannelHandlerContext?

    init(limits: ConnectionLimits, bytes: ByteWatch, wire: HTTP2Wire, clock: ConnectionClock, drain: Drain, logger: Logger) {
        (self.limits, self.bytes, self.wire, self.clock, self.drain, self.logger) = (limits, bytes, wire, clock, drain, logger)
        idleSince = clock.now
        progress = WriteProgress(clock.now, span: limits.writeStall, rate: limits.writeRate)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        clock.add(self)
        if drain.closesConnections {
            context.eventLoop.assumeIsolated().scheduleTask(in: Self.welcome) { self.announce() }
        }
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
        switch unwrapInboundIn(data).payload {
        case .windowUpdate(let increment): wire.window += increment
        case .ping(let data, ack: true):
            if case .leaving(let ours, _) = phase, ours == data { leave() }
        default: break
        }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent, is AboutToStop: announce()
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Of a stream: NIO has reset it. Of the connection: HTTP2Wire ends it.
        guard !(error is any NIOHTTP2Error), !(error is NIOHTTP2Errors.StreamError) else { return }
        context.close(promise: nil)
    }

    // MARK: Streams

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        streams += 1
        lastStream = max(lastStream, id)
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        streams -= 1
        idleSince = clock.now
        if streams == 0, case .left = phase { context?.close(promise: nil) }
    }

    // MARK: The end

    private func announce() {
        guard case .open = phase, let context else { return }
        let ping = HTTP2PingData(withInteger: .random(in: 0 ... .max))
        phase = .leaving(ping, until: clock.now + limits.linger)
        wire.announce()
        write(.ping(ping, ack: false), context)
        context.flush()
    }

    private func leave() {
        guard let context else { return }
        phase = .left(clock.now + limits.linger)
        write(.goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil), context)
        context.flush()
        if streams == 0 { context.close(promise: nil) }
    }

    private func write(_ payload: HTTP2Frame.FramePayload, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: payload)), promise: nil)
    }

    func tick(_ now: NIODeadline) {
        guard let context else { return }
        let waits = wire.waiting > 0 || bytes.count(context.channel) > 0
        let taken = waits ? wire.taken - bytes.unconfirmed(context.channel) : wire.taken
        // A client that lets single streams wait, and has room for others, is the affair of these streams.
        if progress.isSlow(waiting: waits, taken: taken, now), wire.isBlocked(bytes, context.channel) {
            logger.debug("a client took hardly anything of its responses for \(limits.writeStall): the connection is cut")
            return bytes.cut()
        }
        if let half = wire.halfSince, now - half >= limits.header {
            logger.debug("the headers of a request took longer than \(limits.header): the connection ends")
            return wire.end(.enhanceYourCalm)
        }
        switch phase {
        case .open:
            let patience = lastStream == .rootStream ? min(limits.idle, limits.header) : limits.idle
            if streams == 0, now - idleSince >= patience { announce() }
        case .leaving(_, let until): if now >= until { leave() }
        case .left(let until): if streams == 0, now >= until { bytes.cut() }
        }
    }
}

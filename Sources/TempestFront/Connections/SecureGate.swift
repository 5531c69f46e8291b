// The gate of a TLS connection, next to its socket, until its handshake ends: in time, and at once in a shutdown. Before it: the socket.
// After it: TLS, and then RequestGate for HTTP/1 or HTTP2Gate.

import Logging
import NIOCore

/// Closes a connection whose TLS handshake takes too long.
final class SecureGate: ChannelInboundHandler, RemovableChannelHandler, ClockMember {
    typealias InboundIn = ByteBuffer

    private let limits: ConnectionLimits
    private let bytes: ByteWatch
    private let clock: ConnectionClock
    private let logger: Logger
    private let since: NIODeadline
    private var isNegotiated = false
    /// When the front has begun to drain.
    private var quiescesSince: NIODeadline?

    init(limits: ConnectionLimits, bytes: ByteWatch, clock: ConnectionClock, logger: Logger) {
        (self.limits, self.bytes, self.clock, self.logger) = (limits, bytes, clock, logger)
        since = clock.now
    }

    /// TLS stands, and another gate takes over.
    func negotiated() {
        isNegotiated = true
        clock.remove(self)
    }

    func handlerAdded(context: ChannelHandlerContext) { clock.add(self) }
    func handlerRemoved(context: ChannelHandlerContext) { clock.remove(self) }

    func channelInactive(context: ChannelHandlerContext) {
        clock.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, quiescesSince == nil { quiescesSince = clock.now }
        context.fireUserInboundEventTriggered(event)
    }

    func tick(_ now: NIODeadline) {
        guard !isNegotiated else { return }
        // Somebody who has just connected gets a moment, half a handshake does not hold up the end.
        if let quiescesSince, now - quiescesSince >= limits.linger { return bytes.cut() }
        guard now - since >= limits.handshake else { return }
        logger.debug("a TLS handshake took longer than \(limits.handshake): the connection is closed")
        bytes.cut()
    }
}

// The gate of a TLS connection, next to its socket: the handshake ends in time, and a client of HTTP/2 takes what it asked for. Before
// it: the socket. After it: TLS, and then RequestGate for HTTP/1 or HTTP/2's own handlers.

import Logging
import NIOCore

/// Closes a connection whose TLS handshake takes too long, or that takes nothing of what HTTP/2 has for it.
final class SecureGate: ChannelInboundHandler, RemovableChannelHandler, ClockMember {
    typealias InboundIn = ByteBuffer

    private let limits: ConnectionLimits
    private let bytes: ByteWatch
    private let clock: ConnectionClock
    private let logger: Logger
    private let since: NIODeadline
    private var isNegotiated = false
    private var progress: WriteProgress
    private var context: ChannelHandlerContext?

    init(limits: ConnectionLimits, bytes: ByteWatch, clock: ConnectionClock, logger: Logger) {
        (self.limits, self.bytes, self.clock, self.logger) = (limits, bytes, clock, logger)
        since = clock.now
        progress = WriteProgress(clock.now, span: limits.writeStall, rate: limits.writeRate)
    }

    /// TLS stands. For HTTP/1 a ``RequestGate`` takes over.
    func negotiated(isHTTP2: Bool) {
        isNegotiated = true
        if !isHTTP2 { clock.remove(self) }
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

    func tick(_ now: NIODeadline) {
        guard let context else { return }
        if !isNegotiated, now - since >= limits.handshake {
            logger.debug("a TLS handshake took longer than \(limits.handshake): the connection is closed")
            return bytes.cut()
        }
        let waiting = bytes.count(context.channel)
        if progress.isSlow(waiting: waiting > 0, taken: bytes.sent - bytes.unconfirmed(context.channel), now) {
            logger.debug("a client took hardly anything for \(limits.writeStall): the connection is cut")
            bytes.cut()
        }
    }
}

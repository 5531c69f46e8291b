// What a listening socket does when no descriptor is left for a connection: it waits, and says so once.

import Logging
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Pauses accepting for 100 ms to 1 s after an error that passes; the connections that come meanwhile wait in the system's queue.
///
/// NIO's own `AcceptBackoffHandler` does not help: a read that failed is still pending, so the socket stays watched, and the loop spins.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private static let shortest = TimeAmount.milliseconds(100)
    private static let longest = TimeAmount.seconds(1)
    /// For how long there must have been no error until it is over.
    private static let calm = TimeAmount.seconds(3)

    private let address: String
    private let logger: Logger
    private var pause = AcceptPause.shortest
    private var isPaused = false
    private var isClosing = false
    /// When the last error came; nil: all is well.
    private var lastError: NIODeadline?

    init(address: String, logger: Logger) { (self.address, self.logger) = (address, logger) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            // One connection's: it ended while it was set up, or was reset before it was accepted.
            return logger.debug("a connection was not accepted", metadata: ["error": "\(error)"])
        }
        if lastError == nil {
            let cure = "raise the limit of open files: ulimit -n, or LimitNOFILE= of a systemd unit"
            let reason =
                switch error.errnoCode {
                case EMFILE: "this process has no descriptor left; \(cure)"
                case ENFILE: "the system has no descriptor left (sysctl fs.file-max)"
                default: "the system has no memory for sockets"
                }
            logger.warning("new connections wait until others close", metadata: ["listen": "\(address)", "reason": "\(reason)"])
        }
        lastError = context.eventLoop.now
        guard !isPaused else { return }
        isPaused = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.goOn(context) }
        pause = min(pause + pause, Self.longest)
    }

    /// The front is about to close the socket: nothing more is accepted.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ListenerIsClosing else { return context.fireUserInboundEventTriggered(event) }
        isClosing = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    private func goOn(_ context: ChannelHandlerContext) {
        isPaused = false
        guard context.channel.isActive, !isClosing else { return }
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.calm) { self.seeIfOver(context) }
    }

    private func seeIfOver(_ context: ChannelHandlerContext) {
        guard let lastError, context.channel.isActive, context.eventLoop.now - lastError >= Self.calm else { return }
        (self.lastError, pause) = (nil, Self.shortest)
        logger.info("new connections are accepted again", metadata: ["listen": "\(address)"])
    }
}

/// Told to a listening channel before it is closed.
struct ListenerIsClosing: Sendable {}

// Connections on their way from a listening socket to their own event loops. A socket that is closed meanwhile loses them: NIO drops a
// connection whose set-up ends after that.

import NIOCore
import Synchronization

/// How many are on their way.
final class Arrivals: Sendable {
    private let count = Atomic(0)

    var isEmpty: Bool { count.load(ordering: .acquiring) == 0 }

    fileprivate func add(_ change: Int) { count.add(change, ordering: .acquiringAndReleasing) }

    /// For the pipeline of the listening socket.
    func gate() -> some ChannelInboundHandler { Gate(self) }

    /// For that of the connection, before anything else.
    func doorstep() -> some ChannelInboundHandler { Doorstep(self) }

    private final class Gate: ChannelInboundHandler {
        typealias InboundIn = any Channel
        private let arrivals: Arrivals
        init(_ arrivals: Arrivals) { self.arrivals = arrivals }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            arrivals.add(1)
            context.fireChannelRead(data)
        }
    }

    /// Goes away when the connection has arrived, or has ended before.
    private final class Doorstep: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny
        private let arrivals: Arrivals
        init(_ arrivals: Arrivals) { self.arrivals = arrivals }

        func channelActive(context: ChannelHandlerContext) {
            context.fireChannelActive()
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }

        func handlerRemoved(context: ChannelHandlerContext) { arrivals.add(-1) }
    }
}

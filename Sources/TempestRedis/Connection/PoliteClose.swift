// Hangs up in a way that is no error to the other side. A socket that is closed while the other still writes answers with a reset, and
// nodes of node-tempest end when their connection is reset. So it says first that it says no more, and lets the other side end.

import NIOCore

/// Stands before all others in the pipeline of a connection to a node.
final class PoliteClose: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    /// How long the other side has.
    private static let grace = TimeAmount.seconds(1)
    /// Set while it is waited for.
    private var end: Scheduled<Void>?

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
        context.channel.closeFuture.cascade(to: promise)
        guard end == nil else { return }
        end = context.eventLoop.assumeIsolated().scheduleTask(in: Self.grace) { context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
    }

    /// What comes after the end is of no use to anybody.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if end == nil { context.fireChannelRead(data) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }
}

// Lets the last frames of an HTTP/2 connection out before it is closed. Before it: TLS. After it: HTTP/2.

import NIOCore

/// Closes a turn of the event loop later, and flushes first.
///
/// When a server shuts down, Hummingbird closes a connection at the moment its last stream ends, which is while the end of that stream's
/// response is being written: what has been written and not flushed, often the whole answer, would be thrown away.
final class LateClose: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.eventLoop.assumeIsolated().execute {
            context.flush()
            context.close(mode: mode, promise: promise)
        }
    }
}

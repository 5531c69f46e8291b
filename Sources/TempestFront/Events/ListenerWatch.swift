// Sees that a browser has gone while nothing is sent to it.
// Put into the pipeline of a connection by its first event stream; a task that waited for that would cost more than all the rest.

import NIOCore
import NIOHTTP1

/// Tells the listener of a connection when the connection ends. Everything passes through it untouched.
final class ListenerWatch: ChannelInboundHandler {
    typealias InboundIn = Never

    private weak var listener: EventListener?
    /// Whether a browser that says nothing more is one that went away: not in HTTP/2, where every request ends so.
    private let endsWithInput: Bool

    private init(endsWithInput: Bool) { self.endsWithInput = endsWithInput }

    /// Watches over a connection, for this listener from now on.
    static func attach(_ listener: EventListener, to connection: any Channel) async {
        let attached = connection.eventLoop.submit {
            guard connection.isActive else { return listener.end(.gone) }
            let pipeline = connection.pipeline.syncOperations
            let watch: ListenerWatch
            if let old = try? pipeline.handler(type: ListenerWatch.self) {
                watch = old
            } else {
                let isHTTP1 = (try? pipeline.context(handlerType: HTTPResponseEncoder.self)) != nil
                watch = ListenerWatch(endsWithInput: isHTTP1)
                // First, where nobody has kept an event to himself yet.
                try pipeline.addHandler(watch, position: .first)
            }
            watch.listener = listener
        }
        // A connection that cannot be watched is noticed by its heartbeats.
        try? await attached.get()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.listener?.end(.gone)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if self.endsWithInput, event as? ChannelEvent == .inputClosed { self.listener?.end(.gone) }
        context.fireUserInboundEventTriggered(event)
    }
}

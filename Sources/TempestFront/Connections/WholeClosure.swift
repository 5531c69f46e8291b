// A browser that closes its half of a connection has gone: nothing more is done for it. First handler of a connection.

import NIOCore

final class WholeClosure: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    func handlerAdded(context: ChannelHandlerContext) {
        // A server that lets a half stay open would hold the request of somebody who left until its deadline.
        _ = context.channel.setOption(ChannelOptions.allowRemoteHalfClosure, value: false)
    }
}

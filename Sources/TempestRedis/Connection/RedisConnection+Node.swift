// A connection to another node that listens for answers: it speaks Redis' protocol and is no Redis, so that none of the words of the
// handshake are said to it. Used by whoever sends direct answers.

package import NIOCore
import NIOPosix

extension RedisConnection {
    /// Connects to an address, says nothing, and takes replies of at most 64 KiB. Fails with RedisError.
    package static func connect(
        to address: SocketAddress, connectTimeout: TimeAmount, commandTimeout: TimeAmount, on eventLoop: any EventLoop
    ) -> EventLoopFuture<RedisConnection> {
        let place = RedisPlace(address: "\(address)", origin: RedisOrigin("the job's respond_to"))
        return ClientBootstrap(group: eventLoop)
            .connectTimeout(connectTimeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandlers([PoliteClose(), RedisChannelHandler(place, replyLimit: 64 << 10)])
                }
            }
            .connect(to: address)
            .flatMapThrowing { channel in
                RedisConnection(
                    channel: channel,
                    handler: NIOLoopBound(
                        try channel.pipeline.syncOperations.handler(type: RedisChannelHandler.self), eventLoop: channel.eventLoop),
                    commandTimeout: commandTimeout)
            }
            .flatMapErrorThrowing { throw TransportFailure.error($0, at: place) }
    }
}

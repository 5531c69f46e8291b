// A node that listens for answers: a small server that speaks Redis' protocol. Before it: a node that calls original workers. After it:
// connections of whatever client of Redis those workers use.

package import Logging
package import NIOCore
import NIOPosix

/// Takes answers on a port of its own. Closed by whoever started it.
package final class AnswerListener: Sendable {
    /// Where it listens, as it turned out: the port is chosen by the system where 0 was asked for.
    package let address: SocketAddress
    private let channel: any Channel
    private let register: ListenerRegister

    /// The TCP port.
    package var port: Int { address.port ?? 0 }
    /// How many are connected.
    package var connections: Int { register.connections }
    /// Bytes that were sent of commands that have not ended.
    package var unfinishedBytes: Int { register.unfinishedBytes }

    private init(channel: any Channel, address: SocketAddress, register: ListenerRegister) {
        (self.channel, self.address, self.register) = (channel, address, register)
    }

    /// Binds to an address of this machine and takes answers from now on.
    ///
    /// - Parameters:
    ///   - password: what clients must say by `AUTH` first; nil: nothing.
    ///   - admits: whether a client may come from there; who may not is hung up on.
    ///   - deliver: gets each answer, on an event loop: must not block.
    /// The future fails with ``RedisError``, code `.url`, when the address cannot be listened at.
    package static func start(
        host: String, port: Int, password: String? = nil, limits: ListenerLimits = ListenerLimits(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger,
        admits: @escaping @Sendable (SocketAddress) -> Bool,
        deliver: @escaping @Sendable (DirectAnswer) -> DirectAnswer.Verdict
    ) -> EventLoopFuture<AnswerListener> {
        let register = ListenerRegister(limits: limits)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: limits.unreadBytes / 2, high: limits.unreadBytes))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let peer = channel.remoteAddress, admits(peer) else {
                        logger.warning(
                            "a client was turned away", metadata: ["address": "\(String(describing: channel.remoteAddress))"])
                        throw TurnedAway()
                    }
                    guard let id = register.admit(channel) else { throw TurnedAway() }
                    try channel.pipeline.syncOperations.addHandler(
                        ListenerHandler(id: id, password: password, limits: limits, register: register, deliver: deliver))
                }
            }
        return bootstrap.bind(host: host, port: port).flatMapErrorThrowing { error in
            throw RedisError(
                .url, "no answers can be taken at \(host):\(port): \(error). Is the address this machine's, and the port free?")
        }.flatMap { channel in
            guard let address = channel.localAddress else {
                let error = RedisError(.url, "no answers can be taken at \(host):\(port): it has no address")
                return channel.close().flatMapThrowing { throw error }
            }
            let listener = AnswerListener(channel: channel, address: address, register: register)
            return channel.eventLoop.makeSucceededFuture(listener)
        }
    }

    /// Takes nothing more, and hangs up on everybody.
    package func close() async {
        try? await channel.close().get()
        for guest in register.close() { try? await guest.close().get() }
    }

    private struct TurnedAway: Error {}
}

// The connection to one node, made when it is needed, and its state: what DirectSender keeps for each address. A node is asked what it is
// before it is told anything: a Redis in its place, or a server of another kind, gets no answer.

import NIOCore
import NIOPosix
import TempestRedis

/// A connection to a node that has said that it is one.
struct DirectLink: Sendable {
    let connection: RedisConnection
    /// Whether it is Tempest, not the original: it reads a fourth word, and knows of errors.
    let readsMeta: Bool

    private static let connectTime = TimeAmount.seconds(2)
    private static let answerTime = TimeAmount.seconds(5)

    /// What is at the address is no node.
    struct NoNode: Error, CustomStringConvertible {
        let description: String
    }

    static func open(_ target: AllowedNetworks.Target, port: Int, on loop: any EventLoop) -> EventLoopFuture<DirectLink> {
        addresses(of: target, port, on: loop)
            .flatMap { connect(to: $0[...], on: loop) }
            .flatMap { connection in
                // What node_redis asks too, so that every node answers it; in small letters, as node_redis writes it: the original's front
                // knows no others, and says nothing any more when it has heard them.
                connection.send(["info"], timeout: connectTime).flatMapThrowing {
                    DirectLink(connection: connection, readsMeta: try readsMeta($0))
                }
                .flatMapErrorThrowing { error in
                    _ = connection.close()
                    if let error = error as? RedisError, error.reply != nil || error.code == .protocolError {
                        throw NoNode(description: "what listens there is no node: \(error.message)")
                    }
                    throw error
                }
            }
    }

    /// Whether a node that says this of itself reads meta. Throws ``NoNode``.
    static func readsMeta(_ reply: RedisReply) throws(NoNode) -> Bool {
        guard let info = reply.string else { throw NoNode(description: "what listens there says nothing of itself") }
        let fields = info.split(whereSeparator: \.isNewline).map { $0.prefix { $0 != ":" } }
        guard fields.contains("redis_version") else { throw NoNode(description: "what listens there is no node") }
        if fields.contains("run_id") || fields.contains("tcp_port") || fields.contains("process_id") {
            throw NoNode(description: "what listens there is a Redis, not a node")
        }
        return fields.contains("tempest_protocol")
    }

    /// At the first address where somebody listens.
    private static func connect(
        to addresses: ArraySlice<SocketAddress>, on loop: any EventLoop
    ) -> EventLoopFuture<RedisConnection> {
        guard let address = addresses.first else {
            return loop.makeFailedFuture(NoNode(description: "its name leads to no address where a node can be"))
        }
        let attempt = RedisConnection.connect(to: address, connectTimeout: connectTime, commandTimeout: answerTime, on: loop)
        let others = addresses.dropFirst()
        return others.isEmpty ? attempt : attempt.flatMapError { _ in connect(to: others, on: loop) }
    }

    private static func addresses(
        of target: AllowedNetworks.Target, _ port: Int, on loop: any EventLoop
    ) -> EventLoopFuture<[SocketAddress]> {
        switch target {
        case .address(let text): loop.makeCompletedFuture { [try SocketAddress(ipAddress: text, port: port)] }
        // Asks the system, which blocks.
        case .name(let name):
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try HostLookup.addresses(of: name, port: port) }
                .map { $0.filter { address in IPAddress(address).map { !AllowedNetworks.isNobodys($0) } ?? false } }
        }
    }
}

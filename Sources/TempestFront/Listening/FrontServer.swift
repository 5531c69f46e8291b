// Accepts a front's connections, on as many sockets as it has, and hands each to the channel of the snapshot that holds at that moment.

import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The listening sockets of a front.
final class FrontServer: Sendable {
    private let sockets: [ListeningSocket]
    private let logger: Logger
    private let state = Mutex((channels: [any Channel](), isClosing: false))

    /// - Parameter sockets: taken over, and closed at the end.
    init(_ sockets: [ListeningSocket], logger: Logger) {
        (self.sockets, self.logger) = (sockets, logger)
    }

    /// Begins to accept; returns the listening channels in the order of the sockets.
    ///
    /// - Parameters:
    ///   - failed: called with the address of a socket that was closed by itself, which only a fault of the system does.
    ///   - setup: prepares a connection of a socket for that purpose, on its event loop.
    func start(
        failed: @escaping @Sendable (String) -> Void,
        _ setup: @escaping @Sendable (any Channel, ListeningSocket.Purpose) -> EventLoopFuture<Void>
    ) async throws -> [any Channel] {
        for socket in sockets {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pause = AcceptPause(address: socket.address, logger: self.logger)
                        try channel.pipeline.syncOperations.addHandler(pause)
                    }
                }
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in setup(channel, socket.purpose) }
                .withBoundSocket(socket.descriptor).get()
            state.withLock { $0.channels.append(channel) }
            channel.closeFuture.whenComplete { _ in
                if !self.state.withLock({ $0.isClosing }) { failed(socket.address) }
            }
            let what = socket.purpose == .redirect ? ", to redirect to https" : ""
            logger.info("listening on \(socket.address)\(what)")
        }
        return state.withLock { $0.channels }
    }

    /// Accepts nothing more, and removes the files of unix sockets.
    func close() async {
        let open = state.withLock { state in
            state.isClosing = true
            defer { state.channels = [] }
            return state.channels
        }
        for channel in open { try? await channel.close().get() }
        for socket in sockets { socket.file?.remove() }
    }
}

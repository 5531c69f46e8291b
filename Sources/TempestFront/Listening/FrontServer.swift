// Accepts a front's connections, on as many sockets as it has, and hands each to the channel of the snapshot that holds at that moment.

import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The listening sockets of a front.
final class FrontServer: Sendable {
    private let sockets: [ListeningSocket]
    private let logger: Logger
    private let arrivals = Arrivals()
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
                        try channel.pipeline.syncOperations.addHandlers([self.arrivals.gate(), pause])
                    }
                }
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in
                    do {
                        try channel.pipeline.syncOperations.addHandler(self.arrivals.doorstep())
                    } catch {
                        return channel.eventLoop.makeFailedFuture(error)
                    }
                    return setup(channel, socket.purpose)
                }
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

    /// How long handshakes that have begun may take to come to their end.
    private static let handshake = Duration.milliseconds(100)
    /// How long it may take to accept what has come.
    private static let patience = Duration.milliseconds(500)

    /// Accepts what has come, and then nothing more; removes the files of unix sockets.
    ///
    /// What comes later waits for the next program where the socket is another's (systemd's), and is refused elsewhere.
    func close() async {
        let open = state.withLock { state in
            state.isClosing = true
            defer { state.channels = [] }
            return state.channels
        }
        let own = sockets.filter(\.isOwn)
        for socket in own { socket.stopQueueing() }
        if own.contains(where: { $0.file == nil }) { try? await Task.sleep(for: Self.handshake) }
        await eventually { !own.contains(where: \.hasWaiting) }
        for channel in open {
            try? await channel.eventLoop.submit { channel.pipeline.fireUserInboundEventTriggered(ListenerIsClosing()) }.get()
        }
        await eventually { self.arrivals.isEmpty }
        for channel in open { try? await channel.close().get() }
    }

    private func eventually(_ isSo: () -> Bool) async {
        let end = ContinuousClock.now + Self.patience
        while !isSo(), ContinuousClock.now < end {
            do { try await Task.sleep(for: .milliseconds(1)) } catch { return }
        }
    }
}

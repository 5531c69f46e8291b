// Listens to what queues and operators have to say at once: a connection of messages for the whole worker, on the beater's event loop.
// What is missed while it is away shows with the next tick, or is asked for once it is back; but for an operator's word.

import Logging
import NIOCore
import Synchronization
import TempestRedis

final class NewsFeed: Sendable {
    private struct State {
        var connection: RedisConnection?
        var pings: RepeatedTask?
        var backoff = Backoff()
        var isClosed = false
        var isMuted = false
        /// The operators' channel is not allowed to this user: the queues' news are listened to without it.
        var withoutControl = false
    }

    private let client: RedisClient
    private let control: String
    private let channels: [String]
    private let logger: Logger
    private let onMessage: @Sendable (RedisMessage) -> Void
    /// Called whenever it begins to hear.
    private let onListening: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        _ client: RedisClient, control: String, channels: [String], logger: Logger,
        onListening: @escaping @Sendable () -> Void, onMessage: @escaping @Sendable (RedisMessage) -> Void
    ) {
        (self.client, self.control, self.channels, self.logger) = (client, control, channels, logger)
        (self.onListening, self.onMessage) = (onListening, onMessage)
    }

    func start() {
        client.open(name: "\(client.name)-news", on: client.eventLoop).whenComplete { result in
            switch result {
            case .failure: self.later()
            case .success(let connection): self.listen(connection)
            }
        }
    }

    func stop() {
        let (connection, pings) = state.withLock { state in
            state.isClosed = true
            return (state.connection, state.pings)
        }
        pings?.cancel()
        _ = connection?.close()
    }

    private func listen(_ connection: RedisConnection) {
        let goes = state.withLock { state in
            state.connection = connection
            return !state.isClosed
        }
        guard goes else { return _ = connection.close() }
        connection.closeFuture.whenComplete { _ in self.later() }
        connection.listen(
            channels: state.withLock { $0.withoutControl } ? channels : [control] + channels,
            onMessage: { message in
                self.onMessage(message)
                return nil
            },
            onClose: { _ in }
        ).whenComplete { result in
            switch result {
            case .success:
                let pings = connection.ping(every: .seconds(15))
                self.state.withLock { state in
                    state.pings = pings
                    state.isMuted = false
                    state.backoff.reset()
                }
                self.onListening()
            case .failure(let error):
                let isFirst = self.state.withLock { state in
                    if (error as? RedisError)?.code == .permission { state.withoutControl = true }
                    defer { state.isMuted = true }
                    // That Redis is away is said by others.
                    return !state.isMuted && !state.isClosed && (error as? RedisError)?.reply != nil
                }
                if isFirst {
                    self.logger.warning(
                        "no news from Redis: running jobs cannot be cancelled, and operators are not heard",
                        metadata: [LogKey.error: "\(error)"])
                }
                _ = connection.close()
            }
        }
    }

    private func later() {
        let (delay, pings) = state.withLock { state -> (TimeAmount?, RepeatedTask?) in
            defer { (state.connection, state.pings) = (nil, nil) }
            return (state.isClosed ? nil : state.backoff.next(), state.pings)
        }
        pings?.cancel()
        guard let delay else { return }
        client.eventLoop.scheduleTask(in: delay) { self.start() }
    }
}

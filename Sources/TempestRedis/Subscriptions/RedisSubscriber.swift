// One connection of messages whose channels come and go, made again when it broke, with the channels that are followed then.
// For a front, whose browsers decide which channels it listens to; a scope with fixed channels is RedisClient.withSubscription.

package import Logging
package import NIOCore

/// Follows channels on one connection. It connects when the first channel is followed, and again for as long as it is not closed.
///
/// All news come on ``eventLoop``, in order: a channel's messages only between its `followed` and the next `lost`.
package final class RedisSubscriber: Sendable {
    /// What it has to say.
    package enum News: Sendable {
        /// Redis has confirmed the channel: what is published from now on comes. The number is that of ``follow(_:ticket:)``.
        case followed(channel: String, ticket: Int)
        /// Redis refuses the channel; it is not asked for again before the next connection.
        case refused(channel: String, ticket: Int, RedisError)
        case message(RedisMessage)
        /// The connection is gone: what is published meanwhile does not come. Channels are followed again without being asked for.
        case lost
    }

    private struct State {
        var onNews: (@Sendable (News) -> Void)?
        var wanted: [String: Int] = [:]
        var connection: RedisConnection?
        var isConnecting = false
        var isClosed = false
        var isAway = false
        var pings: RepeatedTask?
        var backoff = ReconnectBackoff()
    }

    /// Where it lives.
    package let eventLoop: any EventLoop
    private let client: RedisClient
    private let name: String
    private let logger: Logger
    private let pingInterval: TimeAmount
    private let state: NIOLoopBoundBox<State>

    /// - Parameters:
    ///   - name: what the connection is called on the server.
    ///   - pingInterval: how often a dead link is looked for.
    package init(_ client: RedisClient, name: String, pingInterval: Duration = .seconds(15), logger: Logger) {
        self.client = client
        self.eventLoop = client.eventLoop
        self.name = name
        self.pingInterval = TimeAmount(clamping: pingInterval)
        self.logger = logger
        self.state = .makeBoxSendingValue(State(), eventLoop: client.eventLoop)
    }

    /// Says who hears the news; to be called before anything is followed. He is called on the event loop, and must not block.
    package func onNews(_ hear: @escaping @Sendable (News) -> Void) {
        self.eventLoop.execute { self.state.value.onNews = hear }
    }

    /// Follows a channel until ``unfollow(_:)``. `ticket` comes back with the confirmation, so that one who left and came again can tell
    /// which of his questions was answered.
    package func follow(_ channel: String, ticket: Int) {
        // Never at once, not even on the loop: callers may hold locks, and what they ask for is done in the order of asking.
        self.eventLoop.execute {
            guard !self.state.value.isClosed else { return }
            self.state.value.wanted[channel] = ticket
            if let connection = self.state.value.connection {
                self.subscribe(connection, channel, ticket)
            } else {
                self.connect()
            }
        }
    }

    /// Leaves a channel.
    package func unfollow(_ channel: String) {
        self.eventLoop.execute {
            guard self.state.value.wanted.removeValue(forKey: channel) != nil else { return }
            _ = self.state.value.connection?.unfollow(channel)
        }
    }

    /// Closes the connection for good. Nothing is heard of it any more.
    package func close() async {
        let closed = self.eventLoop.flatSubmit { () -> EventLoopFuture<Void> in
            self.state.value.isClosed = true
            self.state.value.wanted = [:]
            self.state.value.pings?.cancel()
            return self.state.value.connection?.close() ?? self.eventLoop.makeSucceededVoidFuture()
        }
        try? await closed.get()
    }

    // MARK: The connection

    private func connect() {
        guard !self.state.value.isConnecting, !self.state.value.isClosed else { return }
        self.state.value.isConnecting = true
        let start = self.state.value.backoff.nextAttempt ?? .now()
        self.eventLoop.flatScheduleTask(deadline: start) {
            self.client.open(name: self.name, on: self.eventLoop)
        }.futureResult.whenComplete { result in
            self.state.value.isConnecting = false
            switch result {
            case .success(let connection): self.connected(connection)
            case .failure(let error): self.failed(error)
            }
        }
    }

    private func connected(_ connection: RedisConnection) {
        guard !self.state.value.isClosed else { return _ = connection.close() }
        if self.state.value.isAway { self.logger.info("channels are followed again") }
        self.state.value.isAway = false
        self.state.value.connection = connection
        self.state.value.backoff.succeeded(now: .now())
        connection.receive { self.tell(.message($0)) }
        connection.closeFuture.whenComplete { _ in self.lost() }
        self.state.value.pings = connection.ping(every: self.pingInterval)
        for (channel, ticket) in self.state.value.wanted { self.subscribe(connection, channel, ticket) }
    }

    private func failed(_ error: any Error) {
        self.complain(error)
        var generator = SystemRandomNumberGenerator()
        self.state.value.backoff.failed(now: .now(), using: &generator)
        self.connect()
    }

    private func lost() {
        self.state.value.connection = nil
        self.state.value.pings?.cancel()
        self.state.value.pings = nil
        guard !self.state.value.isClosed else { return }
        var generator = SystemRandomNumberGenerator()
        self.state.value.backoff.lost(now: .now(), using: &generator)
        self.complain(RedisError(.connectionLost, "the connection was lost"))
        self.tell(.lost)
        self.connect()
    }

    private func tell(_ news: News) { self.state.value.onNews?(news) }

    /// The same trouble again and again is said once.
    private func complain(_ error: any Error) {
        if !self.state.value.isAway, !self.state.value.isClosed {
            self.logger.warning("channels are not followed: Redis is away; trying again", metadata: ["error": "\(error)"])
        }
        self.state.value.isAway = true
    }

    /// A command for each channel: one that is forbidden does not take the others with it.
    private func subscribe(_ connection: RedisConnection, _ channel: String, _ ticket: Int) {
        connection.follow(channel).whenComplete { result in
            switch result {
            case .success: self.tell(.followed(channel: channel, ticket: ticket))
            case .failure(let error):
                // Without an answer of Redis the connection is lost, and says so itself.
                guard let error = error as? RedisError, error.reply != nil else { return }
                self.tell(.refused(channel: channel, ticket: ticket, error))
            }
        }
    }
}

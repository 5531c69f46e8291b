// Subscribing as a scope: the connection of a subscription lives exactly as long as the body that reads it.
// Used for doorbells between processes; the messages come through the connection's handler.

package import NIOCore

extension RedisClient {
    /// Subscribes, runs the body, and unsubscribes by closing the connection, also when the body throws or is cancelled.
    ///
    /// The body starts only after Redis has confirmed every channel and pattern: what is published from then on is seen.
    ///
    /// - Parameter pingInterval: how often a dead link is looked for; each ping must be answered within the `commandTimeout`.
    /// - Throws: what the body throws; RedisError when the subscription could not be made; CancellationError.
    package func withSubscription<R>(
        channels: [String], patterns: [String] = [], pingInterval: Duration = .seconds(15),
        _ body: (RedisSubscription) async throws -> R
    ) async throws -> R {
        guard !channels.isEmpty || !patterns.isEmpty else {
            throw RedisError(.badArgument, "a subscription needs a channel or a pattern")
        }
        let connection: RedisConnection = try await self.open(name: "\(self.name)-subscription")
        do {
            try Task.checkCancellation()
            let subscription = try await connection.subscribe(channels: channels, patterns: patterns)
            let pings = connection.ping(every: TimeAmount(clamping: pingInterval))
            defer { pings.cancel() }
            let result = try await body(subscription)
            try? await connection.close().get()
            return result
        } catch {
            try? await connection.close().get()
            throw error
        }
    }
}

extension RedisConnection {
    /// Turns the connection into one of messages, and waits until Redis has confirmed all.
    func subscribe(channels: [String], patterns: [String]) async throws(RedisError) -> RedisSubscription {
        let subscription = RedisSubscription()
        try await self.listen(
            channels: channels, patterns: patterns, onMessage: { subscription.deliver($0) }, onClose: { subscription.end($0) }
        ).value(at: RedisPlace(address: "the server"))
        return subscription
    }

    /// The same for those who live on an event loop: `onMessage` and `onClose` are called on the connection's, and must not block.
    ///
    /// - Parameters:
    ///   - onMessage: an error that it returns closes the connection.
    ///   - onClose: called once when the connection has ended.
    /// - Returns: succeeds when Redis has confirmed every channel and pattern.
    package func listen(
        channels: [String], patterns: [String] = [], onMessage: @escaping @Sendable (RedisMessage) -> RedisError?,
        onClose: @escaping @Sendable (RedisError) -> Void
    ) -> EventLoopFuture<Void> {
        let promise = self.eventLoop.makePromise(of: RedisReply.self)
        var bytes = ByteBuffer()
        do {
            for (word, names) in [("SUBSCRIBE", channels), ("PSUBSCRIBE", patterns)] where !names.isEmpty {
                let command = RedisCommand([.text(word)] + names.map { .text($0) })
                bytes.writeImmutableBuffer(try CommandFormatter.format(command, allocator: self.channel.allocator))
            }
        } catch {
            promise.fail(error)
            return promise.futureResult.map { _ in }
        }
        let request = bytes
        let timeout = self.commandTimeout
        self.onLoop { handler in
            handler.subscribe(
                request, confirmations: channels.count + patterns.count, timeout: timeout, promise: promise,
                onMessage: onMessage, onClose: onClose)
        }
        return promise.futureResult.map { _ in }
    }

    /// Makes it a connection of messages whose channels come and go: see ``follow(_:)``. `onMessage` is called on its event loop, and
    /// must not block.
    func receive(_ onMessage: @escaping @Sendable (RedisMessage) -> Void) {
        self.onLoop { handler in
            handler.receive { message in
                onMessage(message)
                return nil
            }
        }
    }

    /// Adds a channel; succeeds when Redis has confirmed it. Messages that come after that are seen.
    func follow(_ channel: String) -> EventLoopFuture<Void> { self.change("SUBSCRIBE", channel) }

    /// Takes a channel away; succeeds when Redis has confirmed it.
    func unfollow(_ channel: String) -> EventLoopFuture<Void> { self.change("UNSUBSCRIBE", channel) }

    private func change(_ word: String, _ channel: String) -> EventLoopFuture<Void> {
        let promise = self.eventLoop.makePromise(of: RedisReply.self)
        do {
            let bytes = try CommandFormatter.format([.text(word), .text(channel)], allocator: self.channel.allocator)
            let timeout = self.commandTimeout
            self.onLoop { $0.change(bytes, name: word, timeout: timeout, promise: promise) }
        } catch {
            promise.fail(error)
        }
        return promise.futureResult.map { _ in }
    }

    /// Asks for a sign of life again and again. A ping without an answer closes the connection by its deadline; a refusal is an answer.
    package func ping(every interval: TimeAmount) -> RepeatedTask {
        self.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            _ = self.send(["PING"])
        }
    }
}

// One connection to Redis, ready for commands: the handshake is behind it.
// Made by RedisConnector; shared by the client, or owned by whoever parks a blocking command on it.

package import NIOCore

/// A connection. Commands may be sent from anywhere; what is sent in one turn of the event loop goes out in one write,
/// and replies are matched in order. It never reconnects: when it has broken, ask for another.
package final class RedisConnection: Sendable {
    /// The loop that it lives on, and on which its futures complete.
    package var eventLoop: any EventLoop { self.channel.eventLoop }
    /// Its number on the server (`CLIENT ID`); 0 when we may not ask.
    package let clientID: Int64
    /// The `run_id` of the server's process; empty when we may not ask.
    package let serverRunID: String
    /// The server's version, such as `7.0.15`; empty when we may not ask.
    package let serverVersion: String
    /// Completes when it is closed, by either side.
    package var closeFuture: EventLoopFuture<Void> { self.channel.closeFuture }
    /// False once it is closed.
    package var isActive: Bool { self.channel.isActive }

    let channel: any Channel
    let handler: NIOLoopBound<RedisChannelHandler>
    let commandTimeout: TimeAmount

    init(
        channel: any Channel, handler: NIOLoopBound<RedisChannelHandler>, commandTimeout: TimeAmount,
        clientID: Int64 = 0, serverRunID: String = "", serverVersion: String = ""
    ) {
        self.channel = channel
        self.handler = handler
        self.commandTimeout = commandTimeout
        self.clientID = clientID
        self.serverRunID = serverRunID
        self.serverVersion = serverVersion
    }

    /// Sends a command.
    ///
    /// - Parameter timeout: how long the reply may take; nil: the configuration's `commandTimeout`. When it passes, this command
    ///   fails with `.timedOut`, the connection is closed, and all that wait behind fail with `.connectionLost`.
    /// - Returns: the reply; an error reply fails the future with RedisError.
    package func send(_ command: RedisCommand, timeout: TimeAmount? = nil) -> EventLoopFuture<RedisReply> {
        let promise = self.eventLoop.makePromise(of: RedisReply.self)
        do {
            let bytes = try CommandFormatter.format(command, allocator: self.channel.allocator)
            self.onLoop { $0.send(bytes, name: command.name, timeout: timeout ?? self.commandTimeout, promise: promise) }
        } catch {
            promise.fail(error)
        }
        return promise.futureResult
    }

    /// Sends a command and waits for its reply. A cancelled task waits all the same, at most for the time-out.
    package func execute(_ command: RedisCommand, timeout: TimeAmount? = nil) async throws(RedisError) -> RedisReply {
        try await self.send(command, timeout: timeout).value(at: RedisPlace(address: "the server"))
    }

    /// Sends all commands together and waits for all replies, which stand in the order of the commands.
    ///
    /// - Throws: `.badArgument` when one of them cannot be written; then none was sent.
    package func execute(
        _ commands: [RedisCommand], timeout: TimeAmount? = nil
    ) async throws(RedisError) -> [Result<RedisReply, RedisError>] {
        var written: [(bytes: ByteBuffer, name: String, promise: EventLoopPromise<RedisReply>)] = []
        written.reserveCapacity(commands.count)
        var bytes: [ByteBuffer] = []
        for command in commands { bytes.append(try CommandFormatter.format(command, allocator: self.channel.allocator)) }
        for (bytes, command) in zip(bytes, commands) {
            written.append((bytes, command.name, self.eventLoop.makePromise(of: RedisReply.self)))
        }
        let batch = written
        let timeout = timeout ?? self.commandTimeout
        self.onLoop { handler in
            for entry in batch { handler.send(entry.bytes, name: entry.name, timeout: timeout, promise: entry.promise) }
        }
        var results: [Result<RedisReply, RedisError>] = []
        results.reserveCapacity(batch.count)
        for entry in batch {
            do {
                results.append(.success(try await entry.promise.futureResult.value(at: RedisPlace(address: "the server"))))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// Closes it at once; whoever still waits is told `.closed`. Never fails, and may be called again.
    @discardableResult
    package func close() -> EventLoopFuture<Void> {
        self.onLoop { $0.close(RedisError(.closed, "the connection was closed by this program")) }
        return self.closeFuture
    }

    func onLoop(_ body: @escaping @Sendable (RedisChannelHandler) -> Void) {
        if self.eventLoop.inEventLoop {
            body(self.handler.value)
        } else {
            self.eventLoop.execute { body(self.handler.value) }
        }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// Waits for the value; whatever fails is said as a RedisError.
    func value(at place: RedisPlace) async throws(RedisError) -> Value {
        do {
            return try await self.get()
        } catch {
            throw TransportFailure.error(error, at: place)
        }
    }
}

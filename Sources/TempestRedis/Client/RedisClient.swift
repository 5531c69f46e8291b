// The program's way to one Redis: a shared connection that is made when it is needed, and made again when it broke.
// Stands between the layers above, which send commands, and the connections; blocking commands get connections of their own.

package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// A client of one Redis. Make one for a program, and `shutdown()` it at the end.
///
/// A command that had been written when the connection broke is never sent again by the client: it fails with `.connectionLost`,
/// and the caller, who knows whether twice does harm, decides.
package final class RedisClient: Sendable {
    private struct State {
        var connection: RedisConnection?
        /// The attempt that is under way; all who want the connection wait for it.
        var attempt: EventLoopFuture<RedisConnection>?
        var backoff = ReconnectBackoff()
        var lastError: RedisError?
        var isShutDown = false
        /// How long anything may take from now on; nil: as long as the configuration says.
        var haste: TimeAmount?
    }

    /// Where Redis is.
    package let configuration: RedisConfiguration
    /// The name that connections bear on the server.
    package let name: String
    let connector: RedisConnector
    /// Where the shared connection lives.
    package let eventLoop: any EventLoop
    private let group: any EventLoopGroup
    private let patience: TimeAmount
    private let outage: RedisOutage?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - eventLoopGroup: where connections live; the client does not shut it down.
    ///   - patience: how long `execute` keeps trying to connect before it throws the reason; one whole attempt is always made.
    ///   - logsOutages: false: whoever uses the client says by itself that Redis is away.
    package init(
        _ configuration: RedisConfiguration, name: String = "tempest",
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger,
        patience: Duration = .seconds(5), logsOutages: Bool = true
    ) {
        self.configuration = configuration
        self.name = name
        self.connector = RedisConnector(configuration: configuration, logger: logger)
        self.group = eventLoopGroup
        self.eventLoop = eventLoopGroup.next()
        self.patience = TimeAmount(clamping: patience)
        self.outage = logsOutages ? RedisOutage(logger) : nil
    }

    // MARK: Commands

    /// Sends a command on the shared connection; connects, for as long as the client's patience lasts, if there is none.
    package func execute(_ command: RedisCommand) async throws(RedisError) -> RedisReply {
        let haste = self.haste
        let deadline = self.patienceEnds
        while true {
            let connection = try await self.connection(until: deadline)
            do {
                return try await connection.execute(command, timeout: haste)
            } catch  where error.wasNotSent && error.code == .connectionLost && NIODeadline.now() < deadline {
                continue
            }
        }
    }

    /// Sends commands together; the results stand in their order, and each may fail for itself.
    package func execute(_ many: [RedisCommand]) async throws(RedisError) -> [Result<RedisReply, RedisError>] {
        try await self.connection(until: self.patienceEnds).execute(many, timeout: self.haste)
    }

    private var haste: TimeAmount? { self.state.withLock { $0.haste } }

    /// From now on nothing may take longer, neither a new connection nor a reply on it: for whoever ends, and has no time for a Redis
    /// that hangs.
    package func hurry(_ time: TimeAmount) { self.state.withLock { $0.haste = time } }

    /// One of the loops for somebody who opens connections of their own: not always the same, so that several share the work.
    package func anotherEventLoop() -> any EventLoop { self.group.next() }

    /// The shared connection if it is there now.
    package var ready: RedisConnection? {
        self.state.withLock { state in
            guard !state.isShutDown, let connection = state.connection, connection.isActive else { return nil }
            return connection
        }
    }

    /// Until when `execute` would wait for a connection if it were called now.
    package var patienceEnds: NIODeadline { .now() + min(self.patience, self.haste ?? self.patience) }

    /// The shared connection, for which it waits until the deadline; one whole attempt is always made.
    ///
    /// - Throws: the last attempt's error; at once one that somebody has to mend first, such as a wrong password.
    package func connection(until deadline: NIODeadline) async throws(RedisError) -> RedisConnection {
        if let ready { return ready }
        while true {
            do {
                return try await self.connection(before: deadline).value(at: self.configuration.place)
            } catch {
                // A cancelled task gets the reason at once rather than the next attempt.
                if error.needsChange || NIODeadline.now() >= deadline || Task.isCancelled { throw error }
            }
        }
    }

    // MARK: The shared connection

    /// The shared connection. Makes it if there is none; all who ask meanwhile wait for the same attempt.
    ///
    /// After a failed attempt the next one starts only when its backoff has passed. The future fails with the attempt's error.
    package func connection() -> EventLoopFuture<RedisConnection> {
        let promise = self.eventLoop.makePromise(of: RedisConnection.self)
        let (answer, start) = self.state.withLock { state -> (EventLoopFuture<RedisConnection>?, NIODeadline?) in
            if state.isShutDown { return (self.eventLoop.makeFailedFuture(Self.shutDownError), nil) }
            if let connection = state.connection, connection.isActive {
                return (self.eventLoop.makeSucceededFuture(connection), nil)
            }
            if let attempt = state.attempt { return (attempt, nil) }
            if state.connection != nil {
                var generator = SystemRandomNumberGenerator()
                state.backoff.lost(now: .now(), using: &generator)
                state.connection = nil
            }
            state.attempt = promise.futureResult
            return (nil, state.backoff.nextAttempt ?? .now())
        }
        if let answer {
            // Nobody may wait for a promise that is not completed.
            promise.completeWith(answer)
            return answer
        }
        self.attempt(at: start ?? .now(), promise)
        return promise.futureResult
    }

    private func attempt(at start: NIODeadline, _ promise: EventLoopPromise<RedisConnection>) {
        let name = self.name
        let connect: @Sendable () -> EventLoopFuture<RedisConnection> = {
            self.connector.connect(name: name, on: self.eventLoop, within: self.haste)
        }
        let attempt =
            start <= .now()
            ? connect() : self.eventLoop.flatScheduleTask(deadline: start, connect).futureResult
        attempt.whenComplete { result in
            let outcome = self.finishAttempt(result)
            if case .failure = outcome, case .success(let connection) = result { connection.close() }
            promise.completeWith(outcome)
        }
    }

    private func finishAttempt(_ result: Result<RedisConnection, any Error>) -> Result<RedisConnection, any Error> {
        self.state.withLock { state in
            state.attempt = nil
            if state.isShutDown { return .failure(Self.shutDownError) }
            switch result {
            case .success(let connection):
                self.outage?.back(self.name)
                state.lastError = nil
                state.connection = connection
                state.backoff.succeeded(now: .now())
            case .failure(let failure):
                let error = TransportFailure.error(failure, at: self.configuration.place)
                self.outage?.lost(self.name, error)
                state.lastError = error
                var generator = SystemRandomNumberGenerator()
                state.backoff.failed(now: .now(), using: &generator)
            }
            return result
        }
    }

    /// The shared connection, or the last reason why there is none once the deadline has passed.
    private func connection(before deadline: NIODeadline) -> EventLoopFuture<RedisConnection> {
        let connection = self.connection()
        if self.state.withLock({ $0.connection?.isActive == true }) { return connection }
        let promise = self.eventLoop.makePromise(of: RedisConnection.self)
        let place = self.configuration.place
        // A first attempt gets the time that it may take, however short the patience: there is no reason to give before it.
        let isFirst = self.state.withLock { $0.lastError == nil }
        let attempt = self.haste ?? TimeAmount(clamping: self.configuration.connectTimeout) * 2 + .milliseconds(100)
        let deadline = isFirst ? max(deadline, .now() + attempt) : deadline
        self.eventLoop.execute {
            // Both the timer and the attempt run on this loop: whichever comes first completes the promise, the other finds it done.
            let waiter = Waiter(promise)
            let timer = self.eventLoop.scheduleTask(deadline: deadline) {
                let error =
                    self.state.withLock { $0.lastError }
                    ?? RedisError(
                        .unreachable,
                        "\(place.address) cannot be reached: is redis-server running there? Check \(place.origin.name)")
                waiter.complete(.failure(error))
            }
            connection.whenComplete { result in
                timer.cancel()
                waiter.complete(result)
            }
        }
        return promise.futureResult
    }

    // MARK: Connections of one's own

    /// Opens a connection of the caller's own, for blocking commands. One attempt; the caller closes it.
    package func open(name: String, on eventLoop: (any EventLoop)? = nil) -> EventLoopFuture<RedisConnection> {
        let eventLoop = eventLoop ?? self.group.next()
        if self.state.withLock({ $0.isShutDown }) { return eventLoop.makeFailedFuture(Self.shutDownError) }
        return self.connector.connect(name: name, on: eventLoop, within: self.haste)
    }

    /// Opens a connection of the caller's own, for blocking commands. One attempt; the caller closes it.
    package func open(name: String, on eventLoop: (any EventLoop)? = nil) async throws(RedisError) -> RedisConnection {
        let future: EventLoopFuture<RedisConnection> = self.open(name: name, on: eventLoop)
        return try await future.value(at: self.configuration.place)
    }

    // MARK: The end

    /// Closes the shared connection; from now on everything fails with `.closed`. Connections from `open` are their callers' to close.
    package func shutdown() async {
        let (connection, attempt) = self.state.withLock { state in
            state.isShutDown = true
            defer { state.connection = nil }
            // Who is in a hurry does not wait for it; what it leads to is closed.
            return (state.connection, state.haste == nil ? state.attempt : nil)
        }
        if let connection { try? await connection.close().get() }
        _ = try? await attempt?.get()
    }

    private static var shutDownError: RedisError {
        RedisError(.closed, "the Redis client was shut down").unsent
    }
}

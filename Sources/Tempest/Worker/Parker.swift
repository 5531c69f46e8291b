// The blocking look of an idle worker at one level: BLMOVE on a connection of its own, into this process's land list. What it returns
// is only a hint to adopt; it is never run.

import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

final class Parker: Sendable {
    private enum State {
        /// May park.
        case idle
        /// A BLMOVE is under way: back to idle when it returns, to broken when it fails.
        case parked
        /// The connection failed: the session opens another parker.
        case broken
    }

    /// Seconds that Redis blocks; the reply's own deadline is two seconds later, so that a dead link is noticed.
    private static let seconds = 5

    let level: Level
    let connection: RedisConnection
    private let command: RedisCommand
    private let bell: Bell
    private let state = Mutex(State.idle)
    private let ending = Mutex((isRetired: false, failure: RedisError?.none))

    init(_ level: Level, queue: QueueName, process: ProcessName, connection: RedisConnection, bell: Bell) {
        (self.level, self.connection, self.bell) = (level, connection, bell)
        self.command = [
            "BLMOVE", .init(Keys.level(queue, level)), .init(Keys.landing(queue, process, level)), "LEFT", "RIGHT",
            .init(Self.seconds),
        ]
    }

    var isParked: Bool { state.withLock { if case .parked = $0 { true } else { false } } }

    /// Why the connection failed, if it did.
    var failure: RedisError? { ending.withLock { $0.failure } }

    /// Its session ends: what becomes of the connection is nobody's trouble any more.
    func retire() {
        ending.withLock { $0.isRetired = true }
        _ = connection.close()
    }

    /// Parks, unless it is parked or broken. `onMemory` is called when Redis is too full for BLMOVE.
    func park(onMemory: @escaping @Sendable () -> Void) {
        let parks = state.withLock { state in
            guard case .idle = state else { return false }
            state = .parked
            return true
        }
        guard parks else { return }
        connection.send(command, timeout: .seconds(Int64(Self.seconds + 2))).whenComplete { result in
            switch result {
            case .success(let reply):
                self.state.withLock { $0 = .idle }
                self.bell.ring(reply == .null ? .unparked : .landed)
            case .failure(let error):
                switch (error as? RedisError)?.code {
                case .memory:
                    self.state.withLock { $0 = .idle }
                    onMemory()
                case .wrongType:
                    // The level's key is no list: the next claim says so, and the level is left alone.
                    self.state.withLock { $0 = .idle }
                    self.bell.ring(.landed)
                default:
                    self.state.withLock { $0 = .broken }
                    let isRetired = self.ending.withLock { ending in
                        ending.failure = error as? RedisError
                        return ending.isRetired
                    }
                    if !isRetired { self.bell.ring(.trouble) }
                }
            }
        }
    }

    /// Ends the BLMOVE if there is one: what it took by then lies in the land list.
    func unpark(by other: RedisConnection) {
        guard isParked, connection.clientID != 0 else { return }
        // A failure shows on the connections themselves.
        _ = other.send(["CLIENT", "UNBLOCK", .init(Int(connection.clientID))])
    }
}

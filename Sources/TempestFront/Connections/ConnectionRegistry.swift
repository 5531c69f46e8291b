// The open connections of a front: how many bytes wait for each, the bound for all of them, and their hard end.

public import Logging
import NIOCore
import Synchronization

/// Knows every open connection, from its first moment to its end.
///
/// Bytes that wait for slow clients are counted here. When they exceed ``bound``, the connection for which most wait is cut, and so on
/// until the rest fits.
public final class ConnectionRegistry: Sendable {
    private struct State {
        var accounts: [ObjectIdentifier: ConnectionAccount] = [:]
        var isClosing = false
    }

    private let state = Mutex(State())
    private let total = Atomic(0)
    private let cuts = Atomic(0)
    /// How many bytes may wait for clients in all.
    public let bound: Int
    private let logger: Logger

    /// - Parameter bound: how many bytes may wait for slow clients, over all connections; at least 1. 256 MiB.
    public init(bound: Int = 256 << 20, logger: Logger = Logger(label: "tempest.front")) {
        precondition(bound > 0, "a bound for bytes that wait is at least 1")
        (self.bound, self.logger) = (bound, logger)
    }

    /// How many connections are open, with those that are still in their TLS handshake.
    public var count: Int { state.withLock(\.accounts.count) }
    /// How many bytes wait for clients.
    public var waiting: Int { total.load(ordering: .relaxed) }
    /// How many connections were cut because too much waited.
    public var cutCount: Int { cuts.load(ordering: .relaxed) }

    /// Cuts every connection at once, without a word to the client, and those that are still to come: the last means of a shutdown.
    public func closeAll() {
        let accounts = state.withLock { state in
            state.isClosing = true
            return Array(state.accounts.values)
        }
        for account in accounts { account.cut() }
    }

    /// Tells every connection something, as an inbound user event.
    func tell(_ event: some Sendable) {
        for account in state.withLock({ Array($0.accounts.values) }) {
            account.channel.pipeline.fireUserInboundEventTriggered(event)
        }
    }

    /// Opens the account of a connection; it is closed with the connection.
    ///
    /// - Parameters:
    ///   - channel: the connection, on whose event loop this is called.
    ///   - cut: ends the connection at once; called from any thread.
    func add(_ channel: any Channel, cut: @escaping @Sendable () -> Void) -> ConnectionAccount {
        let account = ConnectionAccount(self, channel, cut: cut)
        let id = ObjectIdentifier(channel)
        let isClosing = state.withLock { state in
            state.accounts[id] = account
            return state.isClosing
        }
        channel.closeFuture.whenComplete { _ in
            _ = self.state.withLock { $0.accounts.removeValue(forKey: id) }
            account.close()
        }
        if isClosing { cut() }
        return account
    }

    fileprivate func changed(by bytes: Int) {
        guard total.add(bytes, ordering: .relaxed).newValue > bound, bytes > 0 else { return }
        relieve()
    }

    private func relieve() {
        while waiting > bound {
            let all = state.withLock { Array($0.accounts.values) }
            guard let greediest = all.max(by: { $0.waiting < $1.waiting }) else { return }
            let bytes = greediest.close()
            guard bytes > 0 else { return }
            cuts.add(1, ordering: .relaxed)
            logger.warning(
                "too much waits for slow clients: the one for which most waits is cut",
                metadata: ["remote_address": "\(greediest.peer ?? "-")", "bytes": "\(bytes)", "bound": "\(bound)"])
            greediest.cut()
        }
    }
}

/// What waits for one connection.
final class ConnectionAccount: Sendable {
    private struct State {
        var bytes = 0
        var isClosed = false
    }

    let channel: any Channel
    let peer: String?
    let cut: @Sendable () -> Void
    private let registry: ConnectionRegistry
    private let state = Mutex(State())

    fileprivate init(_ registry: ConnectionRegistry, _ channel: any Channel, cut: @escaping @Sendable () -> Void) {
        (self.registry, self.channel, self.cut) = (registry, channel, cut)
        peer = channel.remoteAddress?.ipAddress
    }

    var waiting: Int { state.withLock(\.bytes) }

    /// The account of a connection, or of the one that a stream belongs to; nil: it is no connection of a front.
    static func of(_ channel: any Channel) async -> ConnectionAccount? {
        if channel.eventLoop.inEventLoop { return find(channel) }
        return try? await channel.eventLoop.submit { find(channel) }.get()
    }

    private static func find(_ channel: any Channel) -> ConnectionAccount? {
        if let watch = try? channel.pipeline.syncOperations.handler(type: ByteWatch.self) { return watch.account }
        // The parent of a connection is the listening socket, perhaps of another event loop.
        guard let parent = channel.parent, parent.eventLoop.inEventLoop else { return nil }
        return (try? parent.pipeline.syncOperations.handler(type: ByteWatch.self))?.account
    }

    /// More bytes wait, or fewer if negative. May cut a connection, perhaps this one.
    func add(_ bytes: Int) {
        guard bytes != 0 else { return }
        let isOpen = state.withLock { state in
            guard !state.isClosed else { return false }
            state.bytes += bytes
            return true
        }
        if isOpen { registry.changed(by: bytes) }
    }

    /// From now on nothing waits. Returns what did.
    @discardableResult fileprivate func close() -> Int {
        let bytes = state.withLock { state in
            state.isClosed = true
            defer { state.bytes = 0 }
            return state.bytes
        }
        registry.changed(by: -bytes)
        return bytes
    }
}

/// Bytes that somebody holds for a connection; given back when it is gone.
final class WaitingBytes: Sendable {
    private let account: ConnectionAccount
    private let bytes = Atomic(0)

    init(_ account: ConnectionAccount) { self.account = account }

    func add(_ count: Int) {
        bytes.add(count, ordering: .relaxed)
        account.add(count)
    }

    deinit { account.add(-bytes.load(ordering: .relaxed)) }
}

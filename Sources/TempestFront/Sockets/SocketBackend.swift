// Between sockets and those who answer them. Before it: SocketDialogue, which puts a connection's events in order. After it: workers by
// way of Redis, or a test.

import TempestCodecs

/// What happened on a connection: one job each.
enum SocketEvent: Sendable {
    /// The request, as the first argument of the job but for `event`.
    case open(RequestWriter)
    case message(SocketData)
    case close(CloseCode, String)
}

/// What workers say to a connection.
enum SocketReply: Sendable {
    /// To the event that was sent last, and whether it is all.
    case frames([SocketFrame], isLast: Bool)
    /// By itself.
    case told([SocketFrame])
    /// The event that was sent last has failed.
    case failed(SocketFailure)
}

/// Reaches the workers of routes.
protocol SocketBackend: Sendable {
    /// A line for one connection; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - meta: for the meta of each of its jobs.
    ///   - receive: called one by one, on any thread; must not block.
    func line(for route: SocketRoute, meta: ValueMap, receive: @escaping @Sendable (SocketReply) -> Void) -> any SocketLine
}

/// One connection's way to its workers.
protocol SocketLine: Sendable {
    /// Sends an event: after the last reply to the one before. ``SocketEvent/close(_:_:)`` is not replied to and ends the line.
    func send(_ event: SocketEvent)
}

// What a WebSocket may cost. Before it: a route's configuration. After it: SocketReader, SocketHandler and SocketDoor, which enforce it.

public import NIOCore

/// What one WebSocket may take of a front, and how long it may keep it waiting.
public struct SocketLimits: Sendable {
    /// Bytes of one message from the browser, of all its frames; above that 1009. 4 MiB.
    public var message = 4 << 20
    /// Bytes of one frame from the browser; above that 1009. nil: as many as of a message, which most clients send as one frame.
    public var frame: Int?
    /// Messages that wait for workers; with more the browser is not read any more. 16.
    public var waitingMessages = 16
    /// Bytes that wait for the browser: when there are more, and yet another answer comes, the connection is closed, and workers told
    /// 1013. 4 MiB.
    public var waitingBytes = 4 << 20
    /// How often a ping is sent, and how long its pong may take. 20 s.
    public var ping: TimeAmount = .seconds(20)
    /// How long a browser may take less than ``writeRate`` of what waits for it. 30 s.
    public var writeStall: TimeAmount = .seconds(30)
    /// Bytes a second that a browser must take of what waits for it, over each ``writeStall``; nil: one byte in each is enough. 1 KiB/s.
    public var writeRate: Int? = 1024
    /// How long a browser may take to answer a close. 5 s.
    public var close: TimeAmount = .seconds(5)
    /// How long the handshake waits for the answer to `open`; then 504. 10 s.
    public var open: TimeAmount = .seconds(10)
    /// How long workers may take for a message's last answer; then 1011. 60 s.
    public var answer: TimeAmount = .seconds(60)

    public init() {}
}

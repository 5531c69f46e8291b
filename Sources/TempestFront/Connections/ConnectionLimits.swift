// What a browser's connection may cost: times and sizes. Before it: the front's configuration. After it: RequestGate and StreamGate,
// which enforce them.

public import NIOCore

/// What one connection may take of a front's time and memory, against clients that are slow or hostile.
///
/// Times are looked at every ``resolution``, so that a connection ends at most that much later than these say.
public struct ConnectionLimits: Sendable {
    /// From the first byte of a request, or the end of the response before it, to the end of its header: after that 408. 10 s.
    public var header: TimeAmount = .seconds(10)
    /// How long a connection may stay open without a byte of a next request; of a first one, not longer than ``header``. 60 s.
    public var idle: TimeAmount = .seconds(60)
    /// How long a client may take less than ``writeRate`` of a response of which bytes wait. 30 s.
    public var writeStall: TimeAmount = .seconds(30)
    /// Bytes a second that a client must take of what waits for it, over each ``writeStall``; nil: one byte in each is enough. 1 KiB/s.
    public var writeRate: Int? = 1024
    /// Bytes a second that a body must bring, over each ``bodyGrace`` in which the front waited for it; nil: any rate. 1 KiB/s.
    public var bodyRate: Int? = 1024
    /// How long a body may be slower than ``bodyRate``. 10 s.
    public var bodyGrace: TimeAmount = .seconds(10)
    /// From a connection's first moment to the end of its TLS handshake. 10 s.
    public var handshake: TimeAmount = .seconds(10)
    /// Bytes of the request line, names and values together: above that 431. 64 KiB.
    public var headerBytes = 64 << 10
    /// Header fields: above that 431. 100.
    public var headerFields = 100
    /// How long what a client still sends is thrown away after the last response, so that it sees it before the connection is reset. 2 s.
    public var linger: TimeAmount = .seconds(2)
    /// How often connections are looked at. 1 s.
    public var resolution: TimeAmount = .seconds(1)

    /// Whether a client that has closed its half is still there and gets its answer. Browsers never do that: false, so that a request whose
    /// browser has left is not held for nothing.
    public var allowsHalfClosure = false

    public init() {}
}

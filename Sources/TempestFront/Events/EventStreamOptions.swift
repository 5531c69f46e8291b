// What a program may change about its event streams.
// Given to EventStreams; read by the hub and its listeners.

/// How event streams behave.
public struct EventStreamOptions: Sendable {
    /// How often a stream on which nothing happens gets a comment, so that proxies keep it and broken ones are noticed. Default 15 s.
    public var heartbeat: Duration
    /// How long browsers wait before they come back: each is told a time from this to twice this, evenly spread, so that those whose
    /// streams ended together do not return together. Default 3 s.
    public var retry: Duration
    /// How many browsers may listen at once; who comes then is told 503. Default 20,000.
    public var listeners: Int
    /// Bytes that may wait for a browser, and the longest event; one that takes its events too slowly is ended. Default 256 KiB.
    public var waitingBytes: Int
    /// Events that may wait for a browser. Default 1,000.
    public var waitingEvents: Int
    /// How long a shutdown may take. The ends of streams are spread over the first 80 % of it, at most 50 ms from one to the next; what a
    /// browser has not taken when it is over is cut off. Default 5 s; a ``Front`` has its own grace here.
    public var grace: Duration

    /// Options; those that are not given have their defaults.
    public init(
        heartbeat: Duration = .seconds(15), retry: Duration = .seconds(3), listeners: Int = 20_000,
        waitingBytes: Int = 256 * 1024, waitingEvents: Int = 1000, grace: Duration = .seconds(5)
    ) {
        self.heartbeat = heartbeat
        self.retry = retry
        self.listeners = listeners
        self.waitingBytes = waitingBytes
        self.waitingEvents = waitingEvents
        self.grace = grace
    }
}

// How a client calls workers that were written for node-tempest: said in ClientOptions. After it: DirectInbox.

/// Queues whose workers were written for node-tempest, ruby-tempest or py-tempest, and where this process takes their answers.
///
/// Such workers answer by connecting to the caller, so the caller listens. Whoever can connect to it can answer: listen where only
/// your workers are. Calls to these queues are JSON, have four elements and an integer id, and no meta: what ``JobOptions`` and
/// deadlines say does not reach their workers.
public struct OriginalOptions: Sendable {
    /// The queues that are called so.
    public var queues: Set<String>
    /// The address that workers are told to connect to. They take it apart at its colon: an IPv4 address, or a name.
    public var host: String
    /// The address that is listened at; nil: `host`.
    public var listen: String?
    /// The port; 0: one that is free.
    public var port: Int
    /// From where answers are taken.
    public var peers: AllowedNetworks

    public init(
        queues: Set<String> = [], host: String = "127.0.0.1", listen: String? = nil, port: Int = 0,
        peers: AllowedNetworks = .loopback
    ) {
        (self.queues, self.host, self.listen, self.port, self.peers) = (queues, host, listen, port, peers)
    }
}

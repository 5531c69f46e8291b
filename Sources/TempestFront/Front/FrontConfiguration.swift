// What a front is to do. Before it: the command line, a file or a program. After it: Front.

public import NIOSSL
public import Tempest

/// The configuration of a ``Front``; the defaults are right for most.
public struct FrontConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0: any that is free.
    public var port = 8080
    public var tls: TLSConfiguration?
    public var routes: [FrontRoute] = []
    /// A folder whose files are served where no route but `/*` matches.
    public var files: String?
    /// Bounds and beliefs.
    public var rules = HeldRequests.Rules()
    /// Whether each request is logged.
    public var accessLog = true
    /// How long a graceful shutdown waits for requests that are held.
    public var grace = Duration.seconds(25)
    /// `/healthz` and `/readyz` are answered.
    public var answersHealth = true

    public init() {}
}

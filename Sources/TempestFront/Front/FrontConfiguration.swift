// What a front is to do. Before it: the command line, a file or a program. After it: Front.

public import NIOSSL
public import Tempest

/// The configuration of a ``Front``; the defaults are right for most.
public struct FrontConfiguration: Sendable {
    /// Where it listens; sockets that systemd has opened for the process come in place of these.
    public var addresses: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 8080)]
    /// Several processes may listen on one port (`SO_REUSEPORT`): the system spreads connections over them.
    public var reusesPort = false
    /// The permissions of a unix socket's file, such as 0o660; nil: what the process's umask leaves.
    public var socketMode: UInt32?
    public var tls: TLSConfiguration?
    /// With ``tls``: where it listens for plain HTTP besides, to send everybody on to https; nil: nowhere.
    public var redirect: SecureRedirect?
    public var routes: [FrontRoute] = []
    /// A folder whose files are served where no route but `/*` matches; nil: there is none.
    public var files: StaticFilesOptions?
    /// What one connection may take, and how slowly.
    public var limits = ConnectionLimits()
    /// How many bytes may wait for slow clients, over all connections: above that the connection for which most waits is cut.
    public var waiting = 256 << 20
    /// Channels that browsers may follow at `/sub/<channel>`: names, or patterns with `*`, and with `{user}` for the name of who is logged in
    /// (``ChannelPolicy``). None: there are no event streams.
    public var subscriptions: [String] = []
    /// Has the last word on who may follow what.
    public var subscriptionRule: ChannelPolicy.Rule?
    /// Browsers have sessions; nil: they have none.
    public var sessions: SessionRules?
    /// Large bodies and files are put aside; nil: bodies above `rules.body` are refused.
    public var uploads: UploadSettings?
    /// For routes of `original` queues: where workers of node-tempest connect to, with their answers.
    public var original = OriginalOptions()
    /// Bounds and beliefs.
    public var rules = HeldRequests.Rules()
    /// Whether responses of text are compressed for who takes gzip.
    public var compresses = false
    /// Headers of all responses.
    public var headers = HeaderRules()
    /// How long a request waits for a Redis that is away; then it is told 503.
    public var patience = Duration.seconds(2)
    /// How each request is logged; nil: not at all.
    public var accessLog: AccessLogFormat? = .log
    /// After what time of a graceful shutdown everything is ended that is still held. Its first part is ``lame``.
    public var grace = Duration.seconds(25)
    /// How long a graceful shutdown first serves everything as usual, not ready any more, so that balancers go elsewhere; a
    /// second of ``grace`` is always left for what comes after. 0: nothing of the kind.
    public var lame = Duration.zero
    /// `/healthz` and `/readyz` are answered.
    public var answersHealth = true

    public init() {}

    /// How long it is a lame duck.
    var lameTime: Duration { min(lame, max(grace / 2, grace - .seconds(1))) }

    /// For the ``TempestClient`` that a ``Front`` of this configuration is given: with its queues of original workers.
    public var clientOptions: ClientOptions {
        var options = ClientOptions()
        options.original = original
        options.patience = patience
        options.original.queues.formUnion(routes.filter(\.isOriginal).map(\.queue.description))
        return options
    }

    /// Whether any response may have to be compressed.
    var compressesSomething: Bool { compresses || routes.contains { $0.compresses == true } }
}

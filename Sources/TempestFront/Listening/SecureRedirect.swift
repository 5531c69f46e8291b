// A second port without TLS, which sends browsers to the one that has it.

/// Where a front with TLS listens for plain HTTP besides, to send everybody on to https.
///
/// What certificate authorities ask for below `/.well-known/acme-challenge/` is served from the front's files, if it is there.
public struct SecureRedirect: Sendable, Hashable {
    /// Where it listens, such as `:80`.
    public var addresses: [ListenAddress]
    /// The port that browsers are sent to; nil: the first one that the front itself listens on.
    public var port: Int?

    /// - Parameter addresses: of the form `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `unix:PATH`. Throws ``FrontConfigurationError``.
    public init(listen addresses: [String], port: Int? = nil) throws(FrontConfigurationError) {
        self.addresses = try ListenAddress.list(addresses, "redirect")
        self.port = port
    }
}

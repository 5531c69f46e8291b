// Which certificates a rediss:// connection uses.
// Read from the URL; RedisConnector makes a TLS context of it for each connection, so renewed files are seen.

/// The TLS settings of a connection. All files are PEM; the server's certificate and name are always verified.
public struct RedisTLS: Sendable, Hashable {
    /// Certificates that may sign the server's; nil: those that the system trusts.
    public var caFile: String?
    /// Our certificate and its chain, when the server asks clients for one.
    public var certificateFile: String?
    /// The key of our certificate.
    public var keyFile: String?
    /// The name that the server's certificate must carry; nil: the host.
    public var serverName: String?

    /// Makes the settings; all are optional, but a certificate needs its key.
    public init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, serverName: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.serverName = serverName
    }
}

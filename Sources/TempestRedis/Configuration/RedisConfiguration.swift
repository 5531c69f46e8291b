// Where Redis is and who we are there: the one thing that every connection is made from.
// Read from a URL or the environment when the program starts; used by RedisConnector.

/// Where Redis is, and how to come in.
///
/// ```swift
/// let redis = try RedisConfiguration(url: "redis://:secret@10.0.0.5:6379/1")
/// ```
///
/// Forms: `redis://user:password@host:6379/0`, `rediss://host:6380?cacert=ca.pem&cert=me.pem&key=me.key&servername=redis.local`,
/// `unix:///run/redis.sock?db=1&user=me&password=secret`. All but the scheme may be left out. The description never shows the password.
public struct RedisConfiguration: Sendable, Hashable {
    /// The host's name or address. Default 127.0.0.1. Not used with a socket path.
    public var host: String
    /// The TCP port, 1 to 65535. Default 6379.
    public var port: Int
    /// The path of a unix socket; used instead of host and port when it is set.
    public var socketPath: String?
    /// The ACL user; nil: the default user.
    public var username: String?
    /// The password; nil: none is sent.
    public var password: String?
    /// The number of the database, from 0.
    public var database: Int
    /// TLS settings; nil: plain TCP.
    public var tls: RedisTLS?
    /// How long a connection may take to come about, and again for the first words on it. Default 2 s.
    public var connectTimeout: Duration
    /// How long a reply may take when the command does not say otherwise. Default 5 s.
    public var commandTimeout: Duration

    /// Where this was read.
    package var origin = RedisOrigin("the configuration of Redis")

    /// Makes a configuration from its parts.
    public init(
        host: String = "127.0.0.1", port: Int = 6379, socketPath: String? = nil, username: String? = nil, password: String? = nil,
        database: Int = 0, tls: RedisTLS? = nil, connectTimeout: Duration = .seconds(2), commandTimeout: Duration = .seconds(5)
    ) {
        self.host = host
        self.port = port
        self.socketPath = socketPath
        self.username = username
        self.password = password
        self.database = database
        self.tls = tls
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
    }

    /// Reads a URL, as docs/redis-url.md has it.
    ///
    /// - Throws: `.url`, saying which part is wrong, without repeating what may be a password.
    public init(url: String) throws(RedisError) {
        self = try RedisURL.parse(url)
        self.origin = RedisOrigin("the URL of Redis")
    }

    /// Reads a URL that was given as what errors shall name: an option, a line of a file.
    package init(url: String, origin: String) throws(RedisError) {
        self = try RedisURL.parse(url)
        self.origin = RedisOrigin(origin)
    }

    /// The variables that may name a Redis, the first first.
    package static let variables = ["REDIS_URL"] + servicesOf2012
    private static let servicesOf2012 = ["REDISTOGO_URL", "REDISCLOUD_URL"]

    /// Reads the first that is set of `REDIS_URL`, `REDISTOGO_URL` and `REDISCLOUD_URL`; `redis://127.0.0.1:6379` without any.
    ///
    /// The user of the last two is left out where Redis refuses it: the password counts alone, as with the services that set them.
    ///
    /// - Throws: `.url`, naming the variable.
    public static func environment(_ variables: [String: String]) throws(RedisError) -> RedisConfiguration {
        for name in Self.variables {
            guard let url = variables[name], !RedisURL.isBlank(url) else { continue }
            do {
                var configuration = try RedisConfiguration(url: url, origin: name)
                // Also where somebody has copied it: a supervisor hands it on as REDIS_URL.
                configuration.origin.mayLoseUser =
                    configuration.username != nil && servicesOf2012.contains { variables[$0] == url }
                return configuration
            } catch {
                throw RedisError(.url, "\(name): \(error.message)")
            }
        }
        var configuration = RedisConfiguration()
        configuration.origin = RedisOrigin("REDIS_URL")
        return configuration
    }

    var place: RedisPlace { RedisPlace(address: self.address, user: self.username, origin: self.origin) }

    /// What messages call the server: `127.0.0.1:6379` or the path of the socket.
    package var address: String {
        if let socketPath = self.socketPath { return socketPath }
        return self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL with `***` for the password.
    public var description: String {
        let who = self.password == nil ? "" : "\(self.username ?? ""):***@"
        if let socketPath = self.socketPath { return "unix://\(who)\(socketPath)?db=\(self.database)" }
        return "\(self.tls == nil ? "redis" : "rediss")://\(who)\(self.address)/\(self.database)"
    }

    /// As the description.
    public var debugDescription: String { self.description }

    /// One child, the description: `dump` must not show the password either.
    public var customMirror: Mirror { Mirror(self, children: ["url": self.description]) }
}

// Which connections are WebSockets, and which workers hear of them. Before it: a front's configuration. After it: SocketDoor.

public import TempestCodecs
public import TempestProtocol

/// WebSockets on some paths, whose events are jobs on one queue (protocol/http.md, "Sockets").
public struct SocketRoute: Sendable {
    /// Who may connect, by the `Origin` header that browsers send and pages cannot forge.
    public enum Origins: Sendable, Equatable {
        /// The page comes from the host and port that the socket is for.
        case same
        /// Exactly these, such as `https://example.com`; `null` and wildcards are nothing special.
        case these(Set<String>)
    }

    public var path: PathPattern
    public var queue: QueueName
    public var level: Level
    /// The jobs' action.
    public var action: String
    public var origins: Origins
    /// Whether clients that are no browsers, which send no `Origin`, may connect: true.
    public var allowsNoOrigin: Bool
    /// Subprotocols: the first that a page offers and that is among these is chosen, unless workers choose in their answer to `open`.
    /// Browsers fail a connection when they offer some and none is chosen.
    public var protocols: [String] = []
    public var codec: any Codec
    public var limits: SocketLimits
    /// Whether a message, and the end, may be run again when the worker ended while it ran; if not, the connection ends with 1011.
    public var again = FrontRoute.Again.safe
    /// Counts handshakes by client; nil: they are not limited.
    var limiter: RateLimiter?

    /// Whether binary is written in base64: JSON says binary with a marker of its own, and tnetstring has one type for text and bytes.
    var writesBase64: Bool { codec.name == JSONCodec().name || codec.name == TNetstringCodec().name }

    public init(
        _ path: PathPattern, queue: QueueName, level: Level = .default, action: String = "websocket", origins: Origins = .same,
        allowsNoOrigin: Bool = true, codec: any Codec = .json, limits: SocketLimits = .init()
    ) {
        (self.path, self.queue, self.level, self.action) = (path, queue, level, action)
        (self.origins, self.allowsNoOrigin, self.codec, self.limits) = (origins, allowsNoOrigin, codec, limits)
    }

    /// From a route of a front.
    init(_ held: HeldRoute) {
        let route = held.route
        self.init(
            route.pattern, queue: route.queue, level: route.level, action: route.action == "url" ? "websocket" : route.action,
            origins: route.origins.isEmpty ? .same : .these(route.origins), codec: route.codec, limits: route.socketLimits)
        (again, protocols, limiter) = (route.again, route.protocols, held.limiter)
    }

    /// - Parameters:
    ///   - origin: what the browser sent; nil: nothing.
    ///   - isSecure: whether the browser came by TLS.
    func allows(origin: String?, host: String, isSecure: Bool) -> Bool {
        guard let origin else { return allowsNoOrigin }
        switch origins {
        case .these(let these): return these.contains(origin)
        case .same: return Self.plain(origin) == Self.plain((isSecure ? "https://" : "http://") + host)
        }
    }

    /// The origins that may connect, for the log.
    func allowed(host: String, isSecure: Bool) -> String {
        switch origins {
        case .these(let these): these.sorted().joined(separator: ", ").prefix(200).debugDescription
        case .same: ((isSecure ? "https://" : "http://") + host).prefix(200).debugDescription
        }
    }

    /// Browsers leave out the scheme's own port; other clients may not.
    private static func plain(_ origin: String) -> String {
        let origin = origin.lowercased()
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where origin.hasPrefix(scheme) && origin.hasSuffix(port)
        {
            return String(origin.dropLast(port.count))
        }
        return origin
    }
}

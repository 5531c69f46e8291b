// Where a front listens, as text and as a value.

/// A place where a front accepts connections.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name or an address; an empty host is all addresses, IPv6 and IPv4. Port 0: any free one.
    case tcp(host: String, port: Int)
    /// The path of a unix socket.
    case unix(path: String)

    /// From `HOST:PORT`, `[IPv6]:PORT`, `:PORT` (all addresses) or `unix:PATH`. Throws ``FrontConfigurationError``.
    public init(_ text: String) throws(FrontConfigurationError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // The length of sun_path, with its zero.
            guard !path.isEmpty, path.utf8.count < 108, !path.utf8.contains(0) else {
                throw FrontConfigurationError(
                    "\(text.debugDescription) is not an address to listen on: unix: takes a path of at most 107 bytes, such as unix:/run/tempest.sock"
                )
            }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw FrontConfigurationError(
                "\(text.debugDescription) is not an address to listen on: use HOST:PORT, such as 0.0.0.0:8080, or unix:PATH")
        }
        var name = text[..<colon]
        if name.hasPrefix("["), name.hasSuffix("]") {
            name = name.dropFirst().dropLast()
        } else if name.contains(":") {
            throw FrontConfigurationError("\(text.debugDescription): an IPv6 address stands in brackets, such as [::1]:8080")
        }
        self = .tcp(host: String(name), port: Int(port))
    }

    /// Several, which differ. Throws ``FrontConfigurationError`` that names the setting.
    static func list(_ texts: [String], _ setting: String) throws(FrontConfigurationError) -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for text in texts {
            let address = try ListenAddress(text)
            guard !addresses.contains(address) else { throw FrontConfigurationError("`\(setting)` names \(address) twice") }
            addresses.append(address)
        }
        guard !addresses.isEmpty else { throw FrontConfigurationError("`\(setting)` names no address") }
        return addresses
    }

    /// Whether two cannot be listened on at once, as far as their texts say.
    func isTaken(by other: ListenAddress) -> Bool {
        guard case (.tcp(let host, let port), .tcp(let name, let same)) = (self, other) else { return self == other }
        return port != 0 && port == same && (host == name || host.isEmpty || name.isEmpty)
    }

    /// As it is written in a file.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

// Where a node may be: the list against which every address of a job is held before anything is looked up or connected to, and every
// client of a node that listens. Before it: options. After it: DirectSender, DirectInbox.

package import NIOCore
public import TempestRedis

/// Networks in which the nodes of a cluster of node-tempest live: the only places to which answers are sent directly, or from which they
/// are taken.
///
/// ```swift
/// options.directAnswers = try AllowedNetworks(["10.0.0.0/8", "127.0.0.1/32", "front.internal"])
/// ```
public struct AllowedNetworks: Sendable, Equatable, CustomStringConvertible {
    /// As they were given.
    public let description: String
    private let networks: [IPNetwork]
    private let names: Set<String>
    /// What a job means that names no host.
    private let anyHost: String

    /// This machine: `127.0.0.0/8` and `::1`.
    public static let loopback = AllowedNetworks(
        description: "127.0.0.0/8, ::1", networks: [IPNetwork("127.0.0.0/8"), IPNetwork("::1")].compactMap { $0 }, names: [],
        anyHost: "127.0.0.1")

    /// Networks (`10.0.0.0/8`, `fd00::/8`), addresses (`10.0.0.5`), and names of hosts, each of which is exactly what a job may name.
    ///
    /// A network that holds this machine's own addresses (`127.0.0.0/8`), link-local or other special ones among others, such as
    /// `0.0.0.0/0`, does not allow those: they are named themselves. Throws ``RedisError`` with `.url` for what is none of these.
    ///
    /// - Parameter anyHost: the address or name that is meant by `0.0.0.0` and `[::]`. The nodes of node-tempest listen on all addresses
    ///   of their machine and write that. It must be in the list itself, as any other host.
    public init(_ list: [String], anyHost: String = "127.0.0.1") throws(RedisError) {
        var (networks, names): ([IPNetwork], Set<String>) = ([], [])
        for entry in list {
            if let network = IPNetwork(entry) {
                networks.append(network)
            } else if Self.isName(entry) {
                names.insert(entry.lowercased())
            } else {
                throw RedisError(
                    .url,
                    "\(String(entry.prefix(80)).debugDescription) is no network such as 10.0.0.0/8 (no bits beyond its length), no address and no host name"
                )
            }
        }
        guard IPAddress(anyHost).map({ !$0.isAny }) ?? Self.isName(anyHost) else {
            throw RedisError(
                .url,
                "\(String(anyHost.prefix(80)).debugDescription) cannot stand for 0.0.0.0: it is no address of a machine and no host name"
            )
        }
        self.init(description: list.joined(separator: ", "), networks: networks, names: names, anyHost: anyHost)
    }

    private init(description: String, networks: [IPNetwork], names: Set<String>, anyHost: String) {
        (self.description, self.networks, self.names, self.anyHost) = (description, networks, names, anyHost)
    }

    /// Whether an address lies in one of the networks.
    package func contains(_ address: SocketAddress) -> Bool { IPAddress(address).map { contains($0) } ?? false }

    func contains(_ address: IPAddress) -> Bool {
        guard !Self.isNobodys(address) else { return false }
        let special = Self.special.first { $0.contains(address) }
        return networks.contains { network in network.contains(address) && (special.map { $0.contains(network) } ?? true) }
    }

    /// What a host of a job stands for: the address itself, or a name to look up. nil: it is not allowed. Looks nothing up.
    func target(_ host: String) -> Target? {
        let bare = Self.bare(host)
        guard let address = IPAddress(bare) else {
            return names.contains(host.lowercased()) ? .name(host) : nil
        }
        // It stands for a host of somebody's, so that this goes no deeper.
        if address.isAny { return target(anyHost) }
        return contains(address) ? .address(bare) : nil
    }

    enum Target: Hashable { case address(String), name(String) }

    /// Whether nobody can be there: not even a name that is listed leads to it.
    static func isNobodys(_ address: IPAddress) -> Bool { never.contains { $0.contains(address) } }

    private static func bare(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    /// A name that could be mistaken for an address is none: whoever looks it up might read it as one.
    private static func isName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count), let last = text.split(separator: ".").last?.utf8.first else { return false }
        let isWord = text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E
        }
        return isWord && (0x61...0x7A).contains(last | 0x20) && IPAddress(text) == nil
    }

    /// Nobody's: no address to connect to.
    private static let never = ["0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8"].compactMap { IPNetwork($0) }
    /// Allowed only by networks that lie within: this machine, link-local (where clouds keep their secrets), addresses that carry others.
    private static let special = [
        "127.0.0.0/8", "169.254.0.0/16", "::/96", "fe80::/10", "64:ff9b::/96", "2002::/16", "2001::/32",
    ]
    .compactMap { IPNetwork($0) }
}

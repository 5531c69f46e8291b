// Who asks, and how: from the connection, or from what a trusted proxy says of it. Before it: a request's head. After it: the job.

import HTTPTypes
import NIOCore
import Tempest

/// Networks whose members' `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
public struct TrustedProxies: Sendable {
    private let networks: [IPNetwork]

    public static let none = TrustedProxies()

    private init() { networks = [] }

    /// Such as `10.0.0.0/8` or `::1`. Throws ``FrontConfigurationError``.
    public init(_ networks: [String]) throws(FrontConfigurationError) {
        var read: [IPNetwork] = []
        for text in networks {
            guard let network = IPNetwork(text) else {
                throw FrontConfigurationError(
                    "\(text.debugDescription) is no network: an address, or address/bits such as 10.0.0.0/8 (no bits beyond its length)"
                )
            }
            read.append(network)
        }
        self.networks = read
    }

    func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    var isEmpty: Bool { networks.isEmpty }
}

struct ClientFacts: Sendable {
    /// An address without a port; nil on a unix socket.
    var address: String?
    var scheme: String

    /// - Parameter isTLS: whether the connection itself is encrypted.
    init(_ head: HTTPRequest, peer: SocketAddress?, isTLS: Bool, trusted: TrustedProxies) {
        address = Self.address(of: head, peer: peer, trusted: trusted)
        scheme = isTLS ? "https" : "http"
        guard Self.isBelieved(peer, trusted) else { return }
        if let proto = head.headerFields[.forwardedProto], proto == "https" || proto == "http" { scheme = proto }
    }

    /// The address of a request's client.
    static func address(of head: HTTPRequest, peer: SocketAddress?, trusted: TrustedProxies) -> String? {
        address(peer, forwarded: trusted.isEmpty ? [] : head.headerFields[values: .forwardedFor], trusted: trusted)
    }

    /// The client's address: the peer's, or the nearest that trusted proxies say and that is none of theirs.
    ///
    /// - Parameter forwarded: the lines of `X-Forwarded-For`.
    static func address(_ peer: SocketAddress?, forwarded: [String], trusted: TrustedProxies) -> String? {
        var address = peer?.ipAddress
        guard isBelieved(peer, trusted) else { return address }
        for hop in forwarded.flatMap({ $0.split(separator: ",") }).reversed() {
            let hop = Self.withoutPort(hop.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" })
            guard let known = IPAddress(hop) else { break }
            address = hop
            if !trusted.contains(known) { break }
        }
        return address
    }

    /// Some proxies write `192.0.2.7:51234`, `[2001:db8::1]:51234` or `[2001:db8::1]`.
    private static func withoutPort(_ hop: Substring) -> String {
        if hop.first == "[", let end = hop.firstIndex(of: "]") { return String(hop[..<end].dropFirst()) }
        guard let colon = hop.firstIndex(of: ":"), colon == hop.lastIndex(of: ":") else { return String(hop) }
        return String(hop[..<colon])
    }

    /// Whether what the peer says of its clients counts. Without an address it is a unix socket, whose other end is on this machine.
    private static func isBelieved(_ peer: SocketAddress?, _ trusted: TrustedProxies) -> Bool {
        !trusted.isEmpty && peer.flatMap({ IPAddress($0) }).map({ trusted.contains($0) }) ?? true
    }
}

extension HTTPField.Name {
    fileprivate static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    fileprivate static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}

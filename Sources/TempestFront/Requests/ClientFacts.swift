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
        address = peer?.ipAddress
        scheme = isTLS ? "https" : "http"
        // Without an address it is a unix socket, whose other end is this machine's.
        guard !trusted.isEmpty, peer.flatMap({ IPAddress($0) }).map({ trusted.contains($0) }) ?? true else { return }
        if let name = HTTPField.Name("x-forwarded-for") {
            // From the nearest on: the first that no proxy of ours is.
            let hops = head.headerFields[values: name].flatMap { $0.split(separator: ",") }.reversed()
            for hop in hops {
                let hop = String(hop.drop { $0 == " " }.prefix { $0 != " " })
                guard let known = IPAddress(hop) else { break }
                address = hop
                if !trusted.contains(known) { break }
            }
        }
        if let name = HTTPField.Name("x-forwarded-proto"), let proto = head.headerFields[name],
            proto == "https" || proto == "http"
        {
            scheme = proto
        }
    }
}

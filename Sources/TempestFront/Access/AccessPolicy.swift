// What an access handler needs to know of its front: whom to believe, and where to log.

import NIOCore

struct AccessPolicy: Sendable {
    /// nil: requests get ids and are not logged.
    var log: AccessLog?
    var trusted: TrustedProxies

    /// The client's address.
    func client(_ peer: SocketAddress?, forwarded: [String]) -> String? {
        ClientFacts.address(peer, forwarded: forwarded, trusted: trusted)
    }
}

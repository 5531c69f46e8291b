// Whom limits count as one client: whoever has one address of a network has all of them.

import Tempest

/// An address of IPv4, or the /64 of an address of IPv6.
struct ClientNetwork: Hashable, Sendable {
    private let bits: UInt128
    private let isIPv4: Bool

    /// nil without an address, as on a unix socket.
    init?(_ address: String?) {
        guard let address = address.flatMap({ IPAddress($0) }) else { return nil }
        (bits, isIPv4) = (address.isIPv4 ? address.bits : address.bits >> 64, address.isIPv4)
    }
}

// Addresses and networks of the internet as numbers that can be compared: what decides whether a job may make this process connect
// anywhere, and which proxies a front believes. Only the plain forms are read; `127.1`, `0x7f.0.0.1` or `2130706433` are names to us,
// and names are compared as text.

package import NIOCore

/// An address, IPv4-mapped IPv6 (`::ffff:10.0.0.1`) taken for the IPv4 that it is.
package struct IPAddress: Sendable, Hashable {
    package let bits: UInt128
    package let isIPv4: Bool
    /// `0.0.0.0` or `::`: whoever listens there does so on all addresses of its machine.
    package var isAny: Bool { bits == 0 }

    /// Of `10.0.0.1` or `fd00::1`, without brackets; nil for everything else.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 45, !text.utf8.contains(UInt8(ascii: "%")),
            let address = try? SocketAddress(ipAddress: String(text), port: 0)
        else { return nil }
        self.init(address)
    }

    /// nil for a unix socket.
    package init?(_ address: SocketAddress) {
        // The bytes of an address stand behind those of family and port, and in IPv6 of the flow.
        let range: Range<Int>
        switch address {
        case .v4: range = 4..<8
        case .v6: range = 8..<24
        default: return nil
        }
        let bits = address.withSockAddr { start, size in
            UnsafeRawBufferPointer(start: start, count: size)[range].reduce(into: UInt128(0)) { $0 = $0 << 8 | UInt128($1) }
        }
        if range.count == 4 {
            (self.bits, self.isIPv4) = (bits, true)
        } else if bits >> 32 == 0xFFFF {
            (self.bits, self.isIPv4) = (bits & 0xFFFF_FFFF, true)
        } else {
            (self.bits, self.isIPv4) = (bits, false)
        }
    }
}

/// All addresses that begin with the same bits.
package struct IPNetwork: Sendable, Hashable {
    let address: IPAddress
    /// How many bits.
    let length: Int

    /// Of `10.0.0.0/8`, `fd00::/8`, or an address alone. nil for everything else, also when bits are set that no address can have in
    /// common (`10.0.0.1/8`): a slip of the pen that would open more than was meant.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        let width = address.isIPv4 ? 32 : 128
        var length = width
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= width
            else { return nil }
            length = number
        }
        guard address.bits & (length == width ? 0 : UInt128.max >> (128 - width + length)) == 0 else { return nil }
        (self.address, self.length) = (address, length)
    }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.isIPv4 == address.isIPv4 else { return false }
        let width = address.isIPv4 ? 32 : 128
        return length == 0 || (other.bits ^ address.bits) >> (width - length) == 0
    }

    func contains(_ other: IPNetwork) -> Bool { length <= other.length && contains(other.address) }
}

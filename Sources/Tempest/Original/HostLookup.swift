// What the system says a name of a host leads to: all of its addresses, where NIO gives the first alone. Before it: a name that is allowed.
// After it: DirectLink, which tries each.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum HostLookup {
    /// The name is not known, or nobody could be asked.
    struct Unknown: Error, CustomStringConvertible {
        let description: String
    }

    /// Each address once, in the order of the system. Blocks. Throws ``Unknown``.
    static func addresses(of name: String, port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = streamType
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, "\(port)", &hints, &list)
        guard code == 0, let list else {
            throw Unknown(description: "the host \(name) is not known (\(String(cString: gai_strerror(code))))")
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        for entry in sequence(first: list, next: { $0.pointee.ai_next }) {
            guard let raw = UnsafeRawPointer(entry.pointee.ai_addr) else { continue }
            let address: SocketAddress
            switch entry.pointee.ai_family {
            case AF_INET: address = SocketAddress(raw.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: address = SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self))
            default: continue
            }
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses
    }

    #if os(Linux)
    private static let streamType = CInt(SOCK_STREAM.rawValue)
    #else
    private static let streamType = SOCK_STREAM
    #endif
}

// A port that another process has: said before a server is started that could only say it in its own words.

import Foundation

enum TakenPort {
    /// Whether nobody can listen on the port of 127.0.0.1 now, because somebody does.
    static func isTaken(_ port: Int) -> Bool {
        #if canImport(Darwin)
        let type = SOCK_STREAM
        #else
        let type = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var on: Int32 = 1
        // As servers do: connections that have just ended do not hold a port.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result != 0 && errno == EADDRINUSE
    }

    static func message(_ address: String, cure: String) -> String {
        "cannot listen on \(address): another process listens there. Stop it, or choose another port with \(cure)"
    }
}

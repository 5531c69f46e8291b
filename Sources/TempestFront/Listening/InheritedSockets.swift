// Sockets that systemd has opened for this process (LISTEN_PID, LISTEN_FDS): they listen while no front runs, so that a restart refuses
// nobody.

#if os(Linux)
// The whole module compiled at once takes some of C's types for those of NIO's own headers.
import CNIOLinux
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum InheritedSockets {
    /// The first descriptor that is handed over.
    private static let first: CInt = 3

    /// Takes them over; none when the variables are another process's, or not there. Done once: the variables are removed.
    ///
    /// - Throws: ``FrontConfigurationError`` for descriptors that do not listen.
    static func take() throws(FrontConfigurationError) -> [ListeningSocket] {
        guard let owner = variable("LISTEN_PID"), let count = variable("LISTEN_FDS").flatMap({ CInt($0) }) else { return [] }
        guard owner == "\(getpid())" else { return [] }
        // `FileDescriptorName=` of a socket unit.
        let names = variable("LISTEN_FDNAMES").map { $0.split(separator: ":", omittingEmptySubsequences: false) } ?? []
        unsetenv("LISTEN_PID")
        unsetenv("LISTEN_FDS")
        unsetenv("LISTEN_FDNAMES")
        guard (0...1024).contains(count) else { throw FrontConfigurationError("LISTEN_FDS=\(count) is not a number of sockets") }
        var sockets: [ListeningSocket] = []
        for descriptor in first..<(first + count) {
            guard listens(descriptor) else {
                throw FrontConfigurationError(
                    "the descriptor \(descriptor) that was handed over (LISTEN_FDS) is not a stream socket that listens: "
                        + "the socket unit needs ListenStream= and Accept=no")
            }
            ListeningSocket.prepare(descriptor)
            var socket = ListeningSocket(
                descriptor: descriptor, address: SocketName.text(of: descriptor) ?? "descriptor \(descriptor)")
            socket.isOwn = false
            let place = Int(descriptor - first)
            if place < names.count, names[place] == "redirect" { socket.purpose = .redirect }
            sockets.append(socket)
        }
        return sockets
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func listens(_ descriptor: CInt) -> Bool {
        option(descriptor, SO_TYPE) == ListeningSocket.streamType && option(descriptor, SO_ACCEPTCONN) == 1
    }

    private static func option(_ descriptor: CInt, _ name: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}

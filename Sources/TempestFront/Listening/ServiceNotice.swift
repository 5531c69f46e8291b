// What systemd is told of this process where NOTIFY_SOCKET is set (Type=notify, Type=notify-reload): sd_notify's protocol, without its
// library.

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

/// Tells the service manager that the front is ready, reloads or stops; does nothing where there is none.
struct ServiceNotice: Sendable {
    private let path: String?

    init() {
        guard let found = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), found.hasPrefix("/") || found.hasPrefix("@")
        else {
            path = nil
            return
        }
        // The at sign stands for the zero byte of a name without a file.
        path = found.hasPrefix("@") ? "\0" + found.dropFirst() : found
    }

    func ready() { send("READY=1\nSTATUS=serving") }
    func stopping() { send("STOPPING=1\nSTATUS=finishing held requests") }

    /// A reload begins; ``ready()`` ends it.
    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        send("RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)\nSTATUS=reloading")
    }

    private func send(_ text: String) {
        guard let path else { return }
        let descriptor = socket(AF_UNIX, Self.datagramType, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A manager that does not listen is not waited for.
        _ = SocketName(unix: path).send(Array(text.utf8), from: descriptor)
    }

    #if canImport(Glibc)
    private static let datagramType = CInt(SOCK_DGRAM.rawValue)
    #else
    private static let datagramType = SOCK_DGRAM
    #endif
}

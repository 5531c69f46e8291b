// The file of a unix socket: removed when its front ends, unless another process has put its own in its place.

#if os(Linux)
// The whole module compiled at once takes C's stat for that of NIO's own headers.
import CNIOLinux
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct SocketFile: Sendable {
    private let path: String
    private let identity: [UInt64]?

    /// The file that is there now.
    init(_ path: String) { (self.path, identity) = (path, Self.identity(path)) }

    func remove() {
        guard let identity, Self.identity(path) == identity else { return }
        _ = unlink(path)
    }

    private static func identity(_ path: String) -> [UInt64]? {
        var info = stat()
        guard lstat(path, &info) == 0 else { return nil }
        #if os(Linux)
        let changed = info.st_mtim
        #else
        let changed = info.st_mtimespec
        #endif
        // A file system may give a number again that has become free.
        return [
            UInt64(info.st_dev), UInt64(info.st_ino), UInt64(bitPattern: Int64(changed.tv_sec)),
            UInt64(bitPattern: Int64(changed.tv_nsec)),
        ]
    }
}

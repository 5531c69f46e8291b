// Whether the folders that a configuration names can be used, before anything runs.

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

enum FolderCheck {
    /// Uploads are written to it: it is there and writable, or can be made.
    static func check(uploads folder: String) throws(FrontConfigurationError) {
        guard exists(folder) else {
            var parent = folder[...]
            while parent.hasSuffix("/") { parent.removeLast() }
            let name = Self.parent(of: parent)
            guard isFolder(name), canMake(in: name) else {
                throw FrontConfigurationError(
                    "`uploads`: the folder \(folder) is not there, and cannot be made in \(name) by this user")
            }
            return
        }
        guard isFolder(folder) else {
            throw FrontConfigurationError("`uploads`: \(folder) is no folder: uploads need one of their own")
        }
        guard access(folder, R_OK | W_OK | X_OK) == 0 else {
            throw FrontConfigurationError("`uploads`: the folder \(folder) cannot be written by this user")
        }
    }

    /// The file of a unix socket is made in its folder.
    static func check(socket address: ListenAddress) throws(FrontConfigurationError) {
        guard case .unix(let path) = address else { return }
        let name = parent(of: path[...])
        guard isFolder(name) else {
            throw FrontConfigurationError("\(address): there is no folder \(name) in which the socket could be made")
        }
        guard access(name, W_OK | X_OK) == 0 else {
            throw FrontConfigurationError("\(address): the socket cannot be made in \(name) by this user")
        }
    }

    /// Tried, because rights do not say it of read-only disks and of /proc.
    private static func canMake(in folder: String) -> Bool {
        var template = (folder + "/.tempest-check-XXXXXX").utf8CString
        return template.withUnsafeMutableBufferPointer { name in
            guard let name = name.baseAddress, mkdtemp(name) != nil else { return false }
            return rmdir(name) == 0
        }
    }

    private static func parent(of path: Substring) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
}

// Files and folders of a run: payloads, the plot, what the peers read.
// Foundation is here for paths and folders; what is measured does not go through it.

import Foundation

/// The file system, as far as the benchmark needs it.
package enum Files {
    /// The bytes of a file, or of standard input if the path is `-`; at most so many: what has more is not read on, whether it is a
    /// file, a pipe or a device. `cure`: what to do about too much.
    package static func read(
        _ path: String, most: Int, limit: String = "the limit of a document", cure: String? = nil
    ) throws(BenchError) -> [UInt8] {
        let shown = path == "-" ? "standard input" : Shown.name(path)
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(shown) }
        defer { if path != "-" { close(descriptor) } }
        let tooMuch = BenchError("\(shown) has more than \(most) bytes, \(limit)" + (cure.map { ": \($0)" } ?? ""))
        var about = stat()
        let size = fstat(descriptor, &about) == 0 && about.st_mode & S_IFMT == S_IFREG ? Int(about.st_size) : 0
        // A file that was opened by somebody else may be read from its middle.
        guard size - max(0, Int(lseek(descriptor, 0, SEEK_CUR))) <= most else { throw tooMuch }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(size, most) + 1)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = chunk.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count > 0 {
                guard bytes.count + count <= most else { throw tooMuch }
                bytes.append(contentsOf: chunk[..<count])
            } else if errno == EAGAIN {
                // Shared with a program that set it so.
                var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&poller, 1, -1)
            } else if errno != EINTR {
                throw unreadable(shown)
            }
        }
    }

    private static func unreadable(_ shown: String) -> BenchError {
        BenchError("\(shown) cannot be read: \(String(cString: strerror(errno)))")
    }

    package static func write(_ bytes: [UInt8], to path: String) throws(BenchError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw unwritable(path) }
        let error = writeAll(bytes, to: descriptor)
        // Some file systems say only now that there was no room.
        let isClosed = close(descriptor) == 0
        guard error == 0, isClosed else { throw unwritable(path, error == 0 ? errno : error) }
    }

    /// Writes all bytes; 0, or the number of the error.
    package static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    // Shared with a program that set it so.
                    var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&poller, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }

    private static func unwritable(_ path: String, _ error: Int32 = errno) -> BenchError {
        BenchError("\(Shown.name(path)) cannot be written: \(String(cString: strerror(error)))")
    }

    /// Throws unless a file may be written there: known before minutes of measuring, not after.
    package static func checkWritable(_ path: String) throws(BenchError) {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if isFolder.boolValue { throw BenchError("\(Shown.name(path)) is a folder: name a file in it") }
        let place = exists ? path : URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard access(place, W_OK) == 0 else { throw unwritable(path) }
    }

    static func makeFolder(_ path: String) throws(BenchError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw BenchError("the folder \(Shown.name(path)) cannot be made: \(reason(error))")
        }
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The current folder and that of this program.
    static var startingFolders: [String] {
        let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path
        return [FileManager.default.currentDirectoryPath] + (program.map { [$0] } ?? [])
    }

    static func isExecutable(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// A folder for the time of the body.
    static func withTemporaryFolder<R>(_ body: (String) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tempest-bench-\(UUID().uuidString)").path
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BenchError("the folder \(folder) cannot be made: \(reason(error))")
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }

    static func environment(_ name: String) -> String? {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { return nil }
        return value
    }

    /// Now, in UTC, as ISO 8601.
    package static var date: String { ISO8601DateFormatter().string(from: Date()) }

    private static func reason(_ error: any Error) -> String {
        let error = error as NSError
        if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError { return cause.localizedDescription }
        return error.localizedDescription
    }
}

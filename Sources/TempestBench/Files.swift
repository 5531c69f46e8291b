// Files and folders of a run: payloads, the plot, what the peers read.
// Foundation is here for paths and folders; what is measured does not go through it.

import Foundation

/// The file system, as far as the benchmark needs it.
package enum Files {
    /// The bytes of a file, at most so many: more is an error, and is not read.
    static func read(_ path: String, most: Int) throws(BenchError) -> [UInt8] {
        let shown = Shown.name(path)
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw BenchError("\(shown) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        let data: Data
        do {
            // Bounded, also for devices and for files that grow.
            var read = Data()
            while read.count <= most, let chunk = try handle.read(upToCount: most + 1 - read.count), !chunk.isEmpty {
                read.append(chunk)
            }
            data = read
        } catch {
            throw BenchError("\(shown) cannot be read: \(reason(error))")
        }
        guard data.count <= most else {
            throw BenchError("\(shown) has more than \(most) bytes, the limit of a document: measure a part of it")
        }
        return [UInt8](data)
    }

    package static func write(_ bytes: [UInt8], to path: String) throws(BenchError) {
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        } catch {
            throw BenchError("\(Shown.name(path)) cannot be written: \(reason(error))")
        }
    }

    /// Throws unless a file may be written there: known before minutes of measuring, not after.
    package static func checkWritable(_ path: String) throws(BenchError) {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if isFolder.boolValue { throw BenchError("\(Shown.name(path)) is a folder: name a file in it") }
        let place = exists ? path : URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard access(place, W_OK) == 0 else {
            throw BenchError("\(Shown.name(path)) cannot be written: \(String(cString: strerror(errno)))")
        }
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

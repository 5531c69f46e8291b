// A folder for the time of a scope.
// Holds a private server's socket, data and log, and the files that tests make.

import Foundation

/// Makes a fresh folder that only we may read, runs the body, and removes the folder with all that is in it, also after an error.
///
/// Its path is short enough for unix sockets in it.
public func withTemporaryDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
    let path = "/tmp/tempest-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

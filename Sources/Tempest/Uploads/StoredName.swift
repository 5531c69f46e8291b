// What a content is called in a folder of uploads, and how its name says that a worker keeps it (protocol/http.md, "Uploads").

import TempestProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `<token>` until its request ends, `<token>.kept` from when a worker keeps it. That a file has one name or the other is the file system's
/// to decide, so that keeping it and removing it cannot both succeed. All functions block.
package enum StoredName {
    private static let suffix = ".kept"

    package static func path(_ token: RandomToken, in folder: String, isKept: Bool) -> String {
        "\(folder)/\(token.text)" + (isKept ? suffix : "")
    }

    /// Whether a file of the folder has a name of a content.
    package static func isContent(_ name: String) -> Bool {
        RandomToken.isToken(name.hasSuffix(suffix) ? name.dropLast(suffix.utf8.count) : name[...])
    }

    /// False if it is not there any more.
    package static func keep(_ token: RandomToken, in folder: String) throws(UploadError) -> Bool {
        let (path, kept) = (path(token, in: folder, isKept: false), path(token, in: folder, isKept: true))
        if rename(path, kept) == 0 { return true }
        guard errno == ENOENT else { throw StoredFile.failure("cannot keep an upload in \(folder)") }
        return access(kept, F_OK) == 0
    }

    /// Removes it unless it is kept. False if there was nothing to remove.
    package static func release(_ token: RandomToken, in folder: String) throws(UploadError) -> Bool {
        try removed(path(token, in: folder, isKept: false), folder)
    }

    /// Removes it, kept or not. False if there was nothing to remove.
    package static func delete(_ token: RandomToken, in folder: String) throws(UploadError) -> Bool {
        // In this order: between the two, somebody may keep it.
        let wasThere = try release(token, in: folder)
        return try removed(path(token, in: folder, isKept: true), folder) || wasThere
    }

    private static func removed(_ path: String, _ folder: String) throws(UploadError) -> Bool {
        if unlink(path) == 0 { return true }
        guard errno == ENOENT else { throw StoredFile.failure("cannot remove an upload from \(folder)") }
        return false
    }
}

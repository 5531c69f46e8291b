// Uploads as files of one folder, which workers and other fronts may share: each content is the file of its token's name.
// Given to Uploads; FolderDraft writes a file, FolderRoom counts what the folder holds.

public import NIOPosix
import Tempest
import TempestProtocol

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

/// Keeps uploads in a folder, each in a file named by its token, readable and writable by this user alone (0600).
///
/// While a content comes in its file is called `.<token>.part`; a whole one was written through to the disk before it has its
/// name; one that a worker keeps is called `<token>.kept`. On a folder that several hosts mount, every front and worker of them has all uploads; the quota is for the folder,
/// whoever fills it. Nothing in the folder is followed if it is a link, and nothing is named by what a browser says.
public final class FolderStore: UploadStore {
    /// The folder.
    public let folder: String
    let threads: DiskThreads
    let room: FolderRoom

    /// Makes the folder (0700) if it is not there, and sees what is in it.
    ///
    /// - Parameters:
    ///   - quota: how many bytes all uploads may have together; default 10 GiB.
    ///   - threadPool: where files are read and written.
    /// - Throws: `UploadError.folder` when it cannot be made or written, is no folder, or everybody may write there.
    public init(folder: String, quota: Int = 10 << 30, threadPool: NIOThreadPool = .singleton) async throws {
        let threads = DiskThreads(threadPool)
        try await threads.run { try Self.prepare(folder) }
        (self.folder, self.threads) = (folder, threads)
        self.room = FolderRoom(folder: folder, quota: quota, threads: threads)
        try await room.look()
    }

    public func begin() async throws -> any UploadDraft {
        try await room.admit(0)
        let token = RandomToken()
        let path = "\(folder)/\(Self.draftName(token))"
        let descriptor = try await threads.run {
            let descriptor = DiskCall.opened(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            guard descriptor >= 0 else { throw StoredFile.failure("cannot make a file in \(self.folder)") }
            return descriptor
        }
        return FolderDraft(token: token, descriptor: descriptor, store: self)
    }

    public func open(_ token: String) async throws -> StoredUpload? {
        guard let token = RandomToken(token), let file = try await StoredFile.open(token, in: folder, threads) else { return nil }
        return StoredUpload(size: file.size) { offset, count in try await file.read(at: offset, upTo: count) }
    }

    public func keep(_ token: String) async throws -> Bool {
        guard let token = RandomToken(token) else { return false }
        return try await threads.run { try StoredName.keep(token, in: self.folder) }
    }

    public func release(_ token: String) async throws {
        guard let token = RandomToken(token) else { return }
        if try await threads.run({ try StoredName.release(token, in: self.folder) }) { room.hasChanged() }
    }

    public func remove(_ token: String) async throws -> Bool {
        guard let token = RandomToken(token) else { return false }
        let wasThere = try await threads.run { try StoredName.delete(token, in: self.folder) }
        if wasThere { room.hasChanged() }
        return wasThere
    }

    /// Looks at the time of a file's last change: one that is being written stays, however long that takes.
    public func sweep(olderThan age: Duration) async throws -> Int {
        let oldest =
            Int64(WallClock.milliseconds()) - age.milliseconds
        let removed = try await threads.run {
            var removed = 0
            try FolderRoom.each(in: self.folder) { name, info in
                guard Self.isOurs(name), FolderRoom.changed(info) < oldest else { return }
                // Another front's sweeper may have been first.
                if unlink("\(self.folder)/\(name)") == 0 { removed += 1 }
            }
            return removed
        }
        if removed > 0 { room.hasChanged() }
        return removed
    }

    static func draftName(_ token: RandomToken) -> String { ".\(token.text).part" }

    private static func isOurs(_ name: String) -> Bool {
        StoredName.isContent(name)
            || name.hasPrefix(".") && name.hasSuffix(".part") && RandomToken.isToken(name.dropFirst().dropLast(5))
    }

    private static func prepare(_ folder: String) throws {
        guard !folder.isEmpty else { throw UploadError(.folder, "the folder for uploads has no name") }
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw UploadError(.folder, "cannot make the folder for uploads \(folder): \(String(cString: strerror(errno)))")
        }
        var info = stat()
        guard stat(folder, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw UploadError(.folder, "\(folder) is no folder: uploads need one of their own")
        }
        guard info.st_mode & S_IWOTH == 0 else {
            throw UploadError(.folder, "everybody may write in \(folder): uploads need a folder of their own, chmod 700")
        }
        guard access(folder, R_OK | W_OK | X_OK) == 0 else {
            throw UploadError(.folder, "cannot write in \(folder): \(String(cString: strerror(errno)))")
        }
    }
}

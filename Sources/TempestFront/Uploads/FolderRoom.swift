// How much the folder of uploads holds, and whether more may come. Asked before every write; it looks into the folder now and
// then, because other processes and hosts write and sweep there too.

import Synchronization
import Tempest

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

/// Counts the bytes of a folder: those that were there at the last look, and those that this process has written since.
final class FolderRoom: Sendable {
    private struct State {
        /// What all files had at the last look.
        var seen = 0
        /// What was admitted since that look began.
        var since = 0
        var lastLook: ContinuousClock.Instant?
        var isLooking = false
    }

    /// How old the last look may be: others fill the folder for no longer than this unseen.
    private static let freshness = Duration.seconds(5)

    private let folder: String
    private let quota: Int
    private let threads: DiskThreads
    private let state = Mutex(State())

    init(folder: String, quota: Int, threads: DiskThreads) {
        (self.folder, self.quota, self.threads) = (folder, quota, threads)
    }

    /// Admits so many bytes; with 0 asks whether any would be.
    ///
    /// - Throws: `UploadError.full`; `.file` when the folder cannot be read.
    func admit(_ count: Int) async throws {
        let mustLook = state.withLock { state in
            guard !state.isLooking else { return false }
            return state.lastLook.map { $0.duration(to: .now) > Self.freshness } ?? true
        }
        if mustLook { try await look() }
        let isAdmitted = state.withLock { state in
            guard state.seen + state.since + max(count, 1) <= quota else { return false }
            state.since += count
            return true
        }
        guard isAdmitted else {
            throw UploadError(.full, "uploads have the \(quota) bytes that \(folder) may hold: raise the quota, or sweep earlier")
        }
    }

    /// Files were removed: the next admission looks first.
    func hasChanged() {
        state.withLock { $0.lastLook = nil }
    }

    /// Adds up what is in the folder.
    func look() async throws {
        let before = state.withLock { state in
            state.isLooking = true
            // Set now: what is removed meanwhile makes the next one look again.
            state.lastLook = .now
            return state.since
        }
        do {
            let seen = try await threads.run {
                var sum = 0
                try Self.each(in: self.folder) { _, info in sum += Int(info.st_size) }
                return sum
            }
            state.withLock { state in
                (state.seen, state.isLooking) = (seen, false)
                state.since = max(0, state.since - before)
            }
        } catch {
            state.withLock { ($0.isLooking, $0.lastLook) = (false, nil) }
            throw error
        }
    }

    /// Calls the body for each regular file. Blocks.
    static func each(in folder: String, _ body: (String, stat) throws -> Void) throws {
        guard let directory = opendir(folder) else { throw StoredFile.failure("cannot look into \(folder)") }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            var info = stat()
            guard fstatat(dirfd(directory), name, &info, AT_SYMLINK_NOFOLLOW) == 0, info.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            try body(name, info)
        }
    }

    /// When a file was changed, in milliseconds since 1970.
    static func changed(_ info: stat) -> Int64 {
        #if canImport(Darwin)
        Int64(info.st_mtimespec.tv_sec) * 1000 + Int64(info.st_mtimespec.tv_nsec) / 1_000_000
        #else
        Int64(info.st_mtim.tv_sec) * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000
        #endif
    }
}

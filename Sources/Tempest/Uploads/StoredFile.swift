// One content in a folder of uploads, open for reading. Opened by a worker's UploadReference and by the front, which sends it to
// those who ask for it by GET.

package import NIOCore
import TempestProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An open file of known length. It is closed when nobody holds it any more; being removed meanwhile does not disturb it.
package final class StoredFile: Sendable {
    /// In bytes, when it was opened.
    package let size: Int
    private let descriptor: CInt
    private let threads: DiskThreads

    private init(descriptor: CInt, size: Int, threads: DiskThreads) {
        (self.descriptor, self.size, self.threads) = (descriptor, size, threads)
    }

    deinit { _ = close(descriptor) }

    /// Opens `<folder>/<token>`, or the same kept; nil if there is neither. What is no regular file, or a link, is refused (`.file`).
    package static func open(
        _ token: RandomToken, in folder: String, _ threads: DiskThreads = DiskThreads()
    ) async throws
        -> StoredFile?
    {
        return try await threads.run {
            // Not blocking, for the case that somebody put a pipe there. In this order: between the two, somebody may keep it.
            var descriptor = DiskCall.opened(StoredName.path(token, in: folder, isKept: false), O_RDONLY | O_NONBLOCK)
            if descriptor < 0, errno == ENOENT {
                descriptor = DiskCall.opened(StoredName.path(token, in: folder, isKept: true), O_RDONLY | O_NONBLOCK)
            }
            guard descriptor >= 0 else {
                if errno == ENOENT { return nil }
                throw failure("cannot open an upload in \(folder)")
            }
            var info = stat()
            guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
                _ = close(descriptor)
                throw UploadError(.file, "an upload in \(folder) is no regular file: somebody else writes there")
            }
            return StoredFile(descriptor: descriptor, size: Int(info.st_size), threads: threads)
        }
    }

    /// The bytes from an offset on, at most so many; fewer at the end, none after it.
    package func read(at offset: Int, upTo count: Int) async throws -> ByteBuffer {
        let threads = threads
        return try await threads.run {
            var buffer = ByteBuffer()
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                let wanted = UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count))
                let done = DiskCall.read(self.descriptor, into: wanted, at: offset)
                guard done >= 0 else { throw Self.failure("cannot read an upload") }
                return done
            }
            return buffer
        }
    }

    /// The file system's words on what just failed.
    package static func failure(_ what: String) -> UploadError {
        let number = errno
        let reason = String(cString: strerror(number))
        if number == ENOSPC || number == EDQUOT { return UploadError(.full, "\(what): \(reason)") }
        return UploadError(.file, "\(what): \(reason)")
    }
}

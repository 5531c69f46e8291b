// A file of the folder, open for reading: what is known of it is of the descriptor that is sent.

import Crypto
import NIOCore
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

/// A regular file. It is closed when nobody holds it any more; being removed or replaced meanwhile does not disturb it. All functions block.
final class OpenFile: Sendable {
    enum Found {
        case file(OpenFile)
        case folder
        /// Nothing that may be read: no such name, or a pipe, a socket or a device.
        case nothing
    }

    private let descriptor: CInt
    /// In bytes, when it was opened.
    let size: Int
    /// When its content was changed last, in nanoseconds since 1970.
    let modified: Int64
    /// When anything of it was changed last. No program can set this one.
    private let changed: Int64
    private let number: UInt64

    private init(_ descriptor: CInt, _ info: stat) {
        self.descriptor = descriptor
        size = Int(info.st_size)
        #if canImport(Darwin)
        (modified, changed) = (Self.nanoseconds(info.st_mtimespec), Self.nanoseconds(info.st_ctimespec))
        #else
        (modified, changed) = (Self.nanoseconds(info.st_mtim), Self.nanoseconds(info.st_ctim))
        #endif
        number = UInt64(info.st_ino)
    }

    deinit { _ = close(descriptor) }

    /// Links are followed. Throws ``FileProblem`` for what is there and cannot be read.
    static func open(_ path: [UInt8]) throws(FileProblem) -> Found {
        let path = (path + [0]).map { CChar(bitPattern: $0) }
        var info = stat()
        // Looked at before it is opened: opening a pipe wakes up whoever writes to it, opening a device may do anything.
        guard stat(path, &info) == 0 else { return try nothing() }
        if info.st_mode & S_IFMT == S_IFDIR { return .folder }
        guard info.st_mode & S_IFMT == S_IFREG else { return .nothing }
        var descriptor: CInt
        repeat {
            #if canImport(Glibc)
            descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            #elseif canImport(Musl)
            descriptor = Musl.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            #else
            descriptor = Darwin.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            #endif
        } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { return try nothing() }
        // Somebody may have put another thing there meanwhile.
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            _ = close(descriptor)
            return .nothing
        }
        return .file(OpenFile(descriptor, info))
    }

    /// The bytes of a range, as many as there are still.
    func read(_ range: Range<Int>) throws(FileProblem) -> ByteBuffer {
        var buffer = ByteBuffer()
        var failure: FileProblem?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { bytes in
            var done = 0
            while done < range.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done..<range.count])
                let count = DiskCall.read(descriptor, into: rest, at: range.lowerBound + done)
                if count < 0 { failure = FileProblem(errno) }
                if count <= 0 { break }
                done += count
            }
            return done
        }
        if let failure { throw failure }
        return buffer
    }

    // MARK: Its version

    /// Whether it may be a compressed copy of the other, not of an earlier version of it. Some compressors copy a time in whole seconds.
    func isAsNew(as other: OpenFile) -> Bool {
        let second: Int64 = 1_000_000_000
        return modified >= other.modified || modified % second == 0 && modified / second == other.modified / second
    }

    /// For so long after a change a file system may give a second change the same time: file systems of cameras count in steps of two
    /// seconds.
    private static let granularity: Int64 = 2_000_000_000
    /// A larger file has no tag while it is that young.
    private static let mostHashed = 16 << 20
    private static let piece = 128 << 10

    /// The tags of this version, the one to send first.
    ///
    /// The times of a file tell its versions apart once its last change is some while ago. Before that its content is part of the tag: who
    /// changes it twice in a moment changes the tag twice.
    ///
    /// - Parameters:
    ///   - suffix: of a compressed file's tag.
    ///   - known: the tags that the client has, as it sent them.
    ///   - now: in nanoseconds since 1970.
    func tags(suffix: String, known: String, now: Int64) throws(FileProblem) -> [EntityTag] {
        var version = SHA256()
        for part in [number, UInt64(size), UInt64(bitPattern: modified), UInt64(bitPattern: changed)] {
            withUnsafeBytes(of: part) { version.update(bufferPointer: $0) }
        }
        // A digest, because nobody needs to know the numbers of this host's files.
        let times = version.finalize().hexadecimal.prefix(24) + suffix
        let isYoung = now - changed < Self.granularity
        guard isYoung || known.contains("\"\(times)=") else { return [EntityTag(opaque: String(times))] }
        guard size <= Self.mostHashed else { return [] }
        var hash = SHA256()
        var offset = 0
        while offset < size {
            let buffer = try read(offset..<min(offset + Self.piece, size))
            guard buffer.readableBytes > 0 else { break }
            buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            offset += buffer.readableBytes
        }
        let digest = hash.finalize().hexadecimal.prefix(32)
        return [EntityTag(opaque: "\(times)=\(digest)"), EntityTag(opaque: String(times))]
    }

    // MARK: The file system's words

    private static func nothing() throws(FileProblem) -> Found {
        switch errno {
        case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, ENXIO, ENODEV: return .nothing
        default: throw FileProblem(errno)
        }
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (whole, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? 0 : whole + Int64(time.tv_nsec)
    }
}

/// What the file system says against a file.
struct FileProblem: Error, CustomStringConvertible {
    private let number: CInt

    init(_ number: CInt) { self.number = number }

    /// This process has too many files open: it may go better in a moment.
    var mayPass: Bool { number == EMFILE || number == ENFILE || number == ENOMEM }
    /// This process may not read it: to a browser there is nothing.
    var isForbidden: Bool { number == EACCES || number == EPERM }
    var description: String { String(cString: strerror(number)) }
}

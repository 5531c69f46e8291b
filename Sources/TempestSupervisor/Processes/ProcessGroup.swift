// The process group of a worker: the worker, and what it has started and not sent away.
// Asked by WorkerProcess when the first process of the group has ended.

#if canImport(System)
import struct System.FileDescriptor
#else
import struct SystemPackage.FileDescriptor
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum ProcessGroup {
    /// Whether a process of the group still runs. One that has ended and was not waited for by its parent does not.
    static func isAlive(_ group: pid_t) -> Bool {
        guard kill(-group, 0) == 0 else { return false }
        guard let folder = opendir("/proc") else { return true }
        defer { closedir(folder) }
        var seen = false
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard let id = pid_t(name), let status = Self.status(of: id) else { continue }
            seen = true
            if status.group == group, status.isRunning { return true }
        }
        // A /proc that shows nothing of processes says nothing about them.
        return !seen
    }

    private static func status(of id: pid_t) -> (isRunning: Bool, group: pid_t)? {
        guard let file = try? FileDescriptor.open("/proc/\(id)/stat", .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: 512)
        guard let count = buffer.withUnsafeMutableBytes({ try? file.read(into: $0) }) else { return nil }
        return Self.parse(buffer.prefix(count))
    }

    /// proc(5): `id (name) state parent group …`. The name may hold anything, also brackets.
    static func parse(_ stat: some BidirectionalCollection<UInt8>) -> (isRunning: Bool, group: pid_t)? {
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let words = String(decoding: stat[stat.index(after: end)...], as: UTF8.self).split(separator: " ")
        guard words.count > 2, let group = pid_t(words[2]) else { return nil }
        return (!["Z", "X", "x"].contains(words[0]), group)
    }
}

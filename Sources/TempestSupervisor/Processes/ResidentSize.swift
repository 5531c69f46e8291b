// How much memory a process occupies. Asked every second by MemoryWatch for workers with a limit.

#if canImport(System)
import System
#else
import SystemPackage
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum ResidentSize {
    /// Resident bytes; nil when the process is gone, or the system has no /proc.
    static func of(_ processID: Int32) -> UInt64? {
        guard let file = try? FileDescriptor.open("/proc/\(processID)/statm", .readOnly, options: .closeOnExec) else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { try? file.read(into: $0) } ?? 0
        try? file.close()
        return Self.parse(String(decoding: buffer.prefix(count), as: UTF8.self), page: UInt64(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// proc(5): the second number is the resident set in pages.
    static func parse(_ text: String, page: UInt64) -> UInt64? {
        let numbers = text.split(separator: " ")
        guard numbers.count > 1, let pages = UInt64(numbers[1]) else { return nil }
        return pages * page
    }
}

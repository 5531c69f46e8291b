// How much memory an operation takes while it runs, as the system sees it.
// Before it: a payload's bytes. After it: the table of sizes.

#if canImport(Glibc)
import Glibc
#endif

enum PeakMemory {
    /// Less than this is not to be told from what the system does anyhow.
    static let least = 64 * 1024

    /// The most bytes that were resident beyond those before; nil where the system does not say, or where it was too little to tell.
    static func bytes(_ operation: () throws -> some Any) rethrows -> Int? {
        #if canImport(Glibc)
        // What was freed before is given back, so that it is not found again and taken for nothing.
        _ = trim?(0)
        guard forgetPeak(), let before = kilobytes("VmRSS:") else { return nil }
        let result = try operation()
        let peak = kilobytes("VmHWM:")
        withExtendedLifetime(result) {}
        guard let peak, (peak - before) * 1024 >= least else { return nil }
        return (peak - before) * 1024
        #else
        return nil
        #endif
    }

    #if canImport(Glibc)
    /// `malloc_trim`, which Swift's Glibc does not declare.
    private static let trim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> CInt).self) }

    private static func forgetPeak() -> Bool {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return false }
        defer { fclose(file) }
        return fputs("5", file) >= 0 && fflush(file) == 0
    }

    private static func kilobytes(_ field: String) -> Int? {
        guard let file = fopen("/proc/self/status", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, CInt(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(field) else { continue }
            return text.dropFirst(field.count).split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
        }
        return nil
    }
    #endif
}

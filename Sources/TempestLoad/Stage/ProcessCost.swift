// What processes have used, as Linux tells it. Before it: process ids. After it: costs a job.

import Foundation
import TempestTesting

/// Processor time and memory of a process; zero where the system is not Linux.
enum ProcessCost {
    /// Seconds of processor time, of all its threads; by the process's own clock, since /proc counts in hundredths.
    static func processor(_ id: Int32) -> Double {
        #if os(Linux)
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(id, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        #else
        return 0
        #endif
    }

    /// The most bytes that were resident.
    static func peak(_ id: Int32) -> Int {
        guard let status = read("/proc/\(id)/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(separator: " ", omittingEmptySubsequences: true).dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return kilobytes * 1024
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension [ChildProcess] {
    /// Seconds of processor time, of all of them.
    var processor: Double { reduce(0) { $0 + ProcessCost.processor($1.processID) } }

    /// Megabytes that were resident at most, of the largest.
    var peak: Double { Double(map { ProcessCost.peak($0.processID) }.max() ?? 0) / 1e6 }
}

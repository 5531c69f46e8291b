// What processes have used, as Linux tells it. Before it: process ids. After it: costs a job.

import Foundation
import TempestTesting

/// Processor time and memory of a process; zero where there is no /proc.
enum ProcessCost {
    /// Seconds of processor time, of all its threads.
    static func processor(_ id: Int32) -> Double {
        guard let stat = read("/proc/\(id)/stat"), let end = stat.lastIndex(of: ")") else { return 0 }
        let words = stat[stat.index(after: end)...].split(separator: " ")
        guard words.count > 12, let user = Double(words[11]), let system = Double(words[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
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

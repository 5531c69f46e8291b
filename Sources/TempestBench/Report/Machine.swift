// Where the figures come from: they are worth nothing without it.
// After it: the first lines of every report.

import Foundation

/// The machine and its system.
package struct Machine: Sendable {
    package var system = ""
    package var architecture = ""
    package var processor = ""
    package var cores = 0

    package init() {}

    /// This one.
    package static func current() -> Machine {
        var machine = Machine()
        var names = utsname()
        if uname(&names) == 0 {
            machine.system = "\(text(&names.sysname)) \(text(&names.release))"
            machine.architecture = text(&names.machine)
        }
        machine.processor = "unknown processor"
        if let bytes = try? Files.read("/proc/cpuinfo", most: 1 << 22) {
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("model name") }
            if let model = line?.split(separator: ":", maxSplits: 1).last {
                machine.processor = Shown.name(model.trimmingCharacters(in: .whitespaces))
            }
        }
        machine.cores = ProcessInfo.processInfo.activeProcessorCount
        return machine
    }

    private static func text<T>(_ field: inout T) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The compiler's version.
    package static var swift: String {
        #if compiler(>=6.4)
        "6.4 or newer"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }

    package var description: String { "\(processor), \(cores) cores, \(architecture), \(system)" }
}

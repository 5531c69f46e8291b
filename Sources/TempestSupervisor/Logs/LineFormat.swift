// How a line leaves the supervisor: prefixed for people, or as an object for programs.
// Called by the Journal. Pure.

import Tempest

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

package enum LineFormat: Sendable {
    /// `web.1 | …`, with the prefix as wide as the widest worker's.
    case people(width: Int, coloured: Bool)
    /// `{"time":…,"worker":…,"pid":…,"stream":…,"line":…}`.
    case json

    private static let colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94]

    /// The bytes of one line with its newline.
    ///
    /// - Parameter milliseconds: since 1970.
    package func bytes(
        _ line: Line, worker: String, colour: Int, processID: Int32?, stream: OutputStream, milliseconds: UInt64
    ) -> [UInt8] {
        switch self {
        case .people(let width, let coloured):
            let prefix = worker + String(repeating: " ", count: max(0, width - worker.utf8.count)) + " | "
            let note = line.cut > 0 ? " … (\(line.cut) more bytes were cut)" : ""
            let painted = coloured ? "\u{1B}[\(Self.colours[colour % Self.colours.count])m\(prefix)\u{1B}[0m" : prefix
            return Array("\(painted)\(line.text)\(note)\(coloured ? "\u{1B}[0m" : "")\n".utf8)
        case .json:
            var object: ValueMap = ["time": .text(Self.time(milliseconds)), "worker": .text(worker)]
            if let processID { object["pid"] = Value(processID) }
            object["stream"] = .text(stream.rawValue)
            // What is an object itself is nested, so that a reader of logs need not decode twice.
            let trimmed = line.text.utf8.drop { $0 == UInt8(ascii: " ") }
            if line.cut == 0, trimmed.first == UInt8(ascii: "{"), let message = try? JSONCodec().value(Array(trimmed)) {
                object["message"] = message
            } else {
                object["line"] = .text(line.text)
            }
            if line.cut > 0 { object["cut"] = Value(line.cut) }
            // As deep as the limit it fits nowhere inside another object: then it is a line like any other.
            if let bytes = try? JSONCodec().encode(Value.map(object)) { return bytes + [UInt8(ascii: "\n")] }
            object["message"] = nil
            object["line"] = .text(line.text)
            return ((try? JSONCodec().encode(Value.map(object))) ?? []) + [UInt8(ascii: "\n")]
        }
    }

    /// RFC 3339 in UTC with milliseconds.
    package static func time(_ milliseconds: UInt64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let thousandths = String(milliseconds % 1000)
        return
            "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):\(two(parts.tm_min)):"
            + "\(two(parts.tm_sec)).\(String(repeating: "0", count: 3 - thousandths.count))\(thousandths)Z"
    }
}

// How the access log is written: as lines of the program's own log, or in the formats that log readers know.

import Logging
import NIOCore
import TempestCodecs

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The format of a front's access log.
public enum AccessLogFormat: String, Sendable, CaseIterable {
    /// With the program's own log, one `request` entry each.
    case log
    /// The common log format of Apache and nginx, on standard output.
    case common
    /// The common format with referer and user agent, on standard output.
    case combined
    /// One JSON object a line, on standard output.
    case json

    /// The line of an entry, without its end; nil for ``log``.
    func line(_ entry: AccessEntry) -> String? {
        switch self {
        case .log: nil
        case .common: Self.common(entry)
        case .combined: "\(Self.common(entry)) \"\(Self.quoted(entry.referer))\" \"\(Self.quoted(entry.userAgent))\""
        case .json: Self.json(entry)
        }
    }

    /// The entry for a logger.
    static func metadata(_ entry: AccessEntry) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "request_id": "\(entry.id)", "method": "\(entry.method)", "path": "\(entry.path ?? "-")",
            "status": "\(entry.loggedStatus)", "bytes": "\(entry.bytes)",
            "duration_ms": "\(Double(entry.duration.nanoseconds / 1000) / 1000)", "client": "\(entry.client ?? "-")",
            "host": "\(entry.host ?? "-")",
        ]
        if !entry.isWhole { metadata["aborted"] = "true" }
        return metadata
    }

    private static func common(_ entry: AccessEntry) -> String {
        let request = entry.path.map { "\(entry.method) \(quoted($0)) \(entry.version)" } ?? "-"
        return "\(entry.client ?? "-") - - [\(clock(entry.time, "%d/%b/%Y:%H:%M:%S +0000"))] \"\(request)\" "
            + "\(entry.loggedStatus) \(entry.bytes)"
    }

    private static func json(_ entry: AccessEntry) -> String? {
        let milliseconds = entry.time % 1000
        let fraction = String(repeating: "0", count: 3 - "\(milliseconds)".count) + "\(milliseconds)"
        let fields: [(String, Value)] = [
            ("time", .text("\(clock(entry.time, "%Y-%m-%dT%H:%M:%S")).\(fraction)Z")), ("request_id", .text(entry.id)),
            ("client", text(entry.client)), ("host", text(entry.host)), ("method", .text(entry.method)),
            ("path", text(entry.path)), ("protocol", .text(entry.version)), ("status", .int(Int64(entry.loggedStatus))),
            ("bytes", .int(Int64(entry.bytes))), ("duration_ms", .double(Double(entry.duration.nanoseconds / 1000) / 1000)),
            ("referer", text(entry.referer)), ("user_agent", text(entry.userAgent)), ("aborted", .bool(!entry.isWhole)),
        ]
        return (try? JSONCodec().encode(Value.map(ValueMap(fields)))).map { escaped(String(decoding: $0, as: UTF8.self)) }
    }

    /// JSON allows characters in text that some terminals obey, and at which some readers end a line.
    private static func escaped(_ json: String) -> String {
        func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
            (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
        }
        guard json.unicodeScalars.contains(where: isHarmful) else { return json }
        var line = ""
        for scalar in json.unicodeScalars {
            if isHarmful(scalar) {
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }

    private static func text(_ text: String?) -> Value { text.map { .text($0) } ?? .null }

    /// Between quotation marks: what could end them, or is not printable ASCII, is written as nginx does.
    private static func quoted(_ text: String?) -> String {
        guard let text, !text.isEmpty else { return "-" }
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            return text
        }
        var line = ""
        for byte in text.utf8 {
            if (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                line.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                line += "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return line
    }

    /// UTC by strftime's format.
    private static func clock(_ milliseconds: UInt64, _ format: String) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(unsafeUninitializedCapacity: 64) { place in
            place.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress!, 64, format, &parts) }
        }
    }
}

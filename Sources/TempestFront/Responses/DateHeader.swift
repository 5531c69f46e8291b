// The Date header of responses, written once a second.

import Synchronization

#if os(Linux)
// The whole module compiled at once takes some of C's types for those of NIO's own headers.
import CNIOLinux
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The current time as HTTP writes it (RFC 9110 5.6.7).
final class DateHeader: Sendable {
    private let written = Mutex<(second: time_t, text: String)>((-1, ""))

    var text: String {
        let now = time(nil)
        return written.withLock { written in
            if written.second != now { written = (now, Self.text(now)) }
            return written.text
        }
    }

    static func text(_ second: time_t) -> String {
        var (second, parts) = (second, tm())
        gmtime_r(&second, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}

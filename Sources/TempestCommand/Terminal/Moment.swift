// Instants as people type and read them. Before it: an option. After it: milliseconds since 1970 by Redis' clock.

import ArgumentParser
import Foundation
import Tempest

/// An instant: ISO 8601 (2026-11-21T10:00:00Z), or milliseconds since 1970.
struct Instant: ExpressibleByArgument, Equatable {
    let time: JobTime

    init?(argument: String) {
        guard let milliseconds = Moment.absolute(argument) else { return nil }
        time = JobTime(milliseconds: Int64(milliseconds))
    }
}

/// An instant: so long ago (2h, 3d), or ISO 8601 (2026-11-21T10:00:00Z), or milliseconds since 1970.
struct Moment: ExpressibleByArgument, Equatable {
    private enum Form: Equatable {
        case ago(TimeSpan)
        case at(UInt64)
    }

    private let form: Form

    init?(argument: String) {
        if let at = Self.absolute(argument) {
            form = .at(at)
        } else if let span = TimeSpan(argument: argument) {
            form = .ago(span)
        } else {
            return nil
        }
    }

    /// Milliseconds since 1970, when Redis' clock says `now`.
    func milliseconds(now: UInt64) -> UInt64 {
        switch form {
        case .at(let time): time
        case .ago(let span): now - min(now, UInt64(span.milliseconds))
        }
    }

    /// Milliseconds since 1970 of ISO 8601 or of a number with at least 12 digits (2001 and later): shorter ones are seconds ago.
    static func absolute(_ text: String) -> UInt64? {
        if text.count >= 12, let milliseconds = UInt64(text), milliseconds <= 1 << 52 { return milliseconds }
        guard isOnTheCalendar(text) else { return nil }
        for options: ISO8601DateFormatter.Options in [.withInternetDateTime, [.withInternetDateTime, .withFractionalSeconds]] {
            let formatter = ISO8601DateFormatter()
            formatter.formatOptions = options
            guard let date = formatter.date(from: text), date.timeIntervalSince1970 >= 0 else { continue }
            return UInt64((date.timeIntervalSince1970 * 1000).rounded())
        }
        return nil
    }

    /// Foundation takes 30 February for 2 March, and 25 o'clock for one of the next day.
    private static func isOnTheCalendar(_ text: String) -> Bool {
        let form = /(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):?(\d\d))/
        guard let match = text.wholeMatch(of: form) else { return false }
        let (_, year, month, day, hour, minute, second, zoneHour, zoneMinute) = match.output
        func number(_ text: Substring?) -> Int { text.flatMap { Int($0) } ?? 0 }
        guard (1...12).contains(number(month)) else { return false }
        let isLeap = number(year) % 4 == 0 && (number(year) % 100 != 0 || number(year) % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][number(month) - 1]
        return (1...days).contains(number(day)) && number(hour) < 24 && number(minute) < 60 && number(second) < 60
            && number(zoneHour) < 24 && number(zoneMinute) < 60
    }

    /// UTC, to the second.
    static func shown(_ milliseconds: UInt64) -> String {
        // Beyond the year 9999 it is no date but what somebody wrote.
        guard milliseconds < 253_402_300_800_000 else { return "\(milliseconds) ms" }
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = .withInternetDateTime
        return formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds / 1000)))
    }
}

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
        for options: ISO8601DateFormatter.Options in [.withInternetDateTime, [.withInternetDateTime, .withFractionalSeconds]] {
            let formatter = ISO8601DateFormatter()
            formatter.formatOptions = options
            guard let date = formatter.date(from: text), date.timeIntervalSince1970 >= 0 else { continue }
            return UInt64((date.timeIntervalSince1970 * 1000).rounded())
        }
        return nil
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

// A date in a header (RFC 9110, section 5.6.7).

import TempestProtocol

/// Whole seconds since 1970, read from and written as a date of HTTP.
struct HTTPDate: Equatable, Comparable, Sendable {
    var seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    /// By this machine's clock.
    static var now: HTTPDate { HTTPDate(seconds: Int64(WallClock.milliseconds() / 1000)) }

    /// nil for what is not one of the three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
    /// `Sun Nov  6 08:49:37 1994`.
    ///
    /// - Parameter now: a year of two digits is at most 50 years after it.
    init?(_ text: String, now: HTTPDate) {
        let words = text.split(separator: Character(" ")).map(String.init)
        switch words.count {
        case 6:
            guard words[5] == "GMT", words[0].utf8.count == 4, words[0].hasSuffix(","), words[1].utf8.count == 2,
                words[3].utf8.count == 4, let year = Self.number(words[3])
            else { return nil }
            self.init(words[0].dropLast(), day: words[1], month: words[2], year: year, time: words[4])
        case 5:
            guard words[4].utf8.count == 4, let year = Self.number(words[4]) else { return nil }
            self.init(words[0][...], day: words[2], month: words[1], year: year, time: words[3])
        case 4:
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard words[3] == "GMT", words[0].hasSuffix(","), date.count == 3, date[0].utf8.count == 2, date[2].utf8.count == 2,
                let digits = Self.number(date[2])
            else { return nil }
            let thisYear = now.calendar.year
            var year = thisYear / 100 * 100 + digits
            if year > thisYear + 50 { year -= 100 }
            self.init(words[0].dropLast(), day: date[0], month: date[1], year: year, time: words[2])
        default: return nil
        }
    }

    private init?(_ weekday: Substring, day: String, month: String, year: Int, time: String) {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false)
        guard Self.weekdays.contains(String(weekday.prefix(3))), let month = Self.months.firstIndex(of: month),
            let day = Self.number(day), (1...Self.days(month: month, year: year)).contains(day), clock.count == 3,
            clock.allSatisfy({ $0.utf8.count == 2 }), let hour = Self.number(clock[0]), hour < 24,
            let minute = Self.number(clock[1]), minute < 60, let second = Self.number(clock[2]), second <= 60
        else { return nil }
        seconds = Self.days(year: year, month: month + 1, day: day) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    static func < (left: HTTPDate, right: HTTPDate) -> Bool { left.seconds < right.seconds }

    /// As it is written: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var text: String {
        let days = Self.floor(seconds, 86_400)
        let (year, month, day) = calendar
        let time = Int(seconds - days * 86_400)
        let weekday = Self.weekdays[Int(((days + 4) % 7 + 7) % 7)]
        let clock = [time / 3600, time / 60 % 60, time % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(weekday), \(Self.padded(day, 2)) \(Self.months[month - 1]) \(Self.padded(year, 4)) \(clock) GMT"
    }

    // MARK: The calendar

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Counted in years that begin in March, so that the leap day comes last.
    private var calendar: (year: Int, month: Int, day: Int) {
        let shifted = Self.floor(seconds, 86_400) + 719_468
        let era = Self.floor(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1))
    }

    private static func days(year: Int, month: Int, day: Int) -> Int64 {
        let year = Int64(month <= 2 ? year - 1 : year)
        let era = floor(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func days(month: Int, year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
    }

    private static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor)
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

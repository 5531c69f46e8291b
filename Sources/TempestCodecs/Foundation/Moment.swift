// Moments as text (RFC 3339), as the timestamp of MessagePack and as numbers. Before it: a field. After it: seconds since 2001, which is what
// Foundation's Date is.

/// A moment: seconds since 1970 and nanoseconds after them.
struct Moment: Equatable {
    /// −62,167,219,200 (the year 0) to 253,402,300,799 (the last second of 9999).
    var seconds: Int64
    /// 0 to 999,999,999.
    var nanoseconds: Int64

    static let seconds: ClosedRange<Int64> = -62_167_219_200...253_402_300_799
    /// From 1970 to 2001.
    private static let reference: Int64 = 978_307_200

    init?(seconds: Int64, nanoseconds: Int64 = 0) {
        guard Self.seconds.contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else { return nil }
        (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
    }

    /// What Foundation's Date holds: seconds since 2001.
    init?(sinceReference value: Double) {
        guard value.isFinite, value.magnitude < 1e12 else { return nil }
        let whole = value.rounded(.down)
        var (seconds, nanoseconds) = (Int64(whole) + Self.reference, Int64(((value - whole) * 1e9).rounded()))
        if nanoseconds == 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, 0) }
        self.init(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// Seconds since 1970, as most languages count them.
    init?(sinceEpoch value: Double) {
        guard value.isFinite, value.magnitude < 1e12 else { return nil }
        let whole = value.rounded(.down)
        var (seconds, nanoseconds) = (Int64(whole), Int64(((value - whole) * 1e9).rounded()))
        if nanoseconds == 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, 0) }
        self.init(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// The nearest number of seconds since 2001.
    var sinceReference: Double { Double(seconds - Self.reference) + Double(nanoseconds) / 1e9 }
}

extension Moment {
    /// The timestamp of MessagePack: 4, 8 or 12 bytes.
    init?(timestamp: [UInt8]) {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        switch timestamp.count {
        case 4: self.init(seconds: Int64(number(timestamp[...])))
        case 8:
            let all = number(timestamp[...])
            self.init(seconds: Int64(all & 0x3_FFFF_FFFF), nanoseconds: Int64(all >> 34))
        case 12:
            self.init(seconds: Int64(bitPattern: number(timestamp[4...])), nanoseconds: Int64(number(timestamp[..<4])))
        default: return nil
        }
    }

    // MARK: Text

    /// `2026-11-30T18:27:03Z`, with 3, 6 or 9 digits of a second where there are such: the fewest that read back to the same Date.
    var text: String {
        let date = Self.date(ofDay: Self.floorDivide(seconds, 86_400))
        let second = seconds - Self.floorDivide(seconds, 86_400) * 86_400
        let clock = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))T\(clock)\(fraction)Z"
    }

    private var fraction: String {
        if nanoseconds == 0 { return "" }
        for (digits, unit) in [(3, Int64(1_000_000)), (6, 1000)] {
            let rounded = (nanoseconds + unit / 2) / unit
            if let short = Moment(seconds: seconds, nanoseconds: rounded * unit), short.sinceReference == sinceReference {
                return rounded == 0 ? "" : ".\(Self.padded(rounded, digits))"
            }
        }
        return ".\(Self.padded(nanoseconds, 9))"
    }

    /// Text as RFC 3339 has it, also with a space or small letters; digits of a second beyond the ninth are left out. A time without an
    /// offset is refused: nobody knows which moment it is.
    init?(text: String) {
        var reader = Reader(bytes: Array(text.utf8)[...])
        guard let year = reader.digits(4), reader.take("-"), let month = reader.digits(2), reader.take("-"),
            let day = reader.digits(2), reader.take("T") || reader.take("t") || reader.take(" "), let hour = reader.digits(2),
            reader.take(":"), let minute = reader.digits(2), reader.take(":"), let second = reader.digits(2),
            let nanoseconds = reader.fraction(), let offset = reader.offset(), reader.bytes.isEmpty,
            (1...12).contains(month), (1...Self.days(of: month, year)).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        // A leap second is the second after it, as most clocks have it.
        let clock = hour * 3600 + minute * 60 + second - offset
        self.init(seconds: Self.day(year, month, day) * 86_400 + clock, nanoseconds: nanoseconds)
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard bytes.first == UInt8(ascii: character) else { return false }
            bytes.removeFirst()
            return true
        }

        mutating func digits(_ count: Int) -> Int64? {
            let found = bytes.prefix(count)
            guard found.count == count, found.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            bytes.removeFirst(count)
            return found.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }

        mutating func fraction() -> Int64? {
            guard take(".") else { return 0 }
            let found = bytes.prefix { (0x30...0x39).contains($0) }
            guard !found.isEmpty else { return nil }
            bytes.removeFirst(found.count)
            return (Array(found.prefix(9)) + Array(repeating: 0x30, count: max(0, 9 - found.count)))
                .reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }

        /// Seconds east of Greenwich; with or without a colon, as Ruby and Python write it.
        mutating func offset() -> Int64? {
            if take("Z") || take("z") { return 0 }
            if bytes.elementsEqual(" UTC".utf8) {
                bytes = []
                return 0
            }
            if bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
            let sign: Int64
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = digits(2) else { return nil }
            _ = take(":")
            guard let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
            return sign * (hours * 3600 + minutes * 60)
        }
    }

    // MARK: The calendar

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private static func floorDivide(_ number: Int64, _ by: Int64) -> Int64 {
        let (quotient, rest) = number.quotientAndRemainder(dividingBy: by)
        return rest < 0 ? quotient - 1 : quotient
    }

    private static func days(of month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970 to a date of the Gregorian calendar. Counted in years that begin in March, so that the leap day is the last.
    private static func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floorDivide(year, 400)
        let ofEra = year - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = floorDivide(shifted, 146_097)
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let inMonth = ofYear - (153 * month + 2) / 5 + 1
        let isEarly = month >= 10
        return (era * 400 + year + (isEarly ? 1 : 0), isEarly ? month - 9 : month + 3, inMonth)
    }
}

// The place of a message in its channel's history, as Redis' streams number it.
// Comes from kept messages and from browsers (Last-Event-ID); EventHistory reads on from it.

/// `<milliseconds>-<number>`. Later messages have greater ids.
struct HistoryID: Sendable, Hashable, Comparable, CustomStringConvertible {
    let milliseconds: UInt64
    let number: UInt64

    /// Before every message.
    static let zero = HistoryID(milliseconds: 0, number: 0)

    init(milliseconds: UInt64, number: UInt64) {
        self.milliseconds = milliseconds
        self.number = number
    }

    /// Nil if the text is no such id; publishers may use ids of another kind, and browsers may send anything.
    init?(_ text: some StringProtocol) {
        guard (3...41).contains(text.utf8.count), let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        guard let milliseconds = Self.digits(text[..<dash]), let number = Self.digits(text[text.utf8.index(after: dash)...])
        else { return nil }
        self.init(milliseconds: milliseconds, number: number)
    }

    /// Digits alone: UInt64's own reader takes a sign too.
    private static func digits(_ text: some StringProtocol) -> UInt64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt64(text)
    }

    static func < (left: HistoryID, right: HistoryID) -> Bool {
        (left.milliseconds, left.number) < (right.milliseconds, right.number)
    }

    var description: String { "\(milliseconds)-\(number)" }
}

// Whether a client takes what is written for it: pure, asked every so often.

import NIOCore

/// Measures how much a client takes while bytes wait for it.
struct WriteProgress {
    private let span: TimeAmount
    /// Bytes that must be taken in each span.
    private let due: Int
    private var base = 0
    private var since: NIODeadline
    private var isWaiting = false

    /// - Parameters:
    ///   - span: how long a client may be slow.
    ///   - rate: bytes a second, over each span; nil: one byte in each is enough.
    init(_ now: NIODeadline, span: TimeAmount, rate: Int?) {
        self.span = span
        due = max(1, rate.map { Int(Double($0) * Double(span.nanoseconds) / 1e9) } ?? 1)
        since = now
    }

    /// Whether the client has been too slow.
    ///
    /// - Parameters:
    ///   - waiting: whether bytes wait that the client could take.
    ///   - taken: how many bytes it has taken since its connection began.
    mutating func isSlow(waiting: Bool, taken: Int, _ now: NIODeadline) -> Bool {
        guard waiting else {
            isWaiting = false
            return false
        }
        if !isWaiting {
            (isWaiting, base, since) = (true, taken, now)
            return false
        }
        guard now - since >= span else { return false }
        defer { (base, since) = (taken, now) }
        return taken - base < due
    }
}

// How often the log says that a right is missing: it does not pass by itself, and is met at each try.

import NIOCore

/// Lets the same words through once in a while, and other words at once.
struct Complaint {
    private let pause: TimeAmount
    /// When they may be said again; few, since there are few rights.
    private var dueAt: [String: NIODeadline] = [:]

    init(every pause: TimeAmount) { self.pause = pause }

    /// Whether these words are to be logged now.
    mutating func isDue(_ words: String, now: NIODeadline = .now()) -> Bool {
        if let dueAt = dueAt[words], now < dueAt { return false }
        if dueAt.count >= 16 { dueAt = [:] }
        dueAt[words] = now + pause
        return true
    }
}

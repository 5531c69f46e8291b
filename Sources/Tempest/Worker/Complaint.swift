// How often the log says that a right is missing: it does not pass by itself, and is met at each try.

import NIOCore

/// Lets the same words through once in a while, and other words at once.
struct Complaint {
    private let pause: TimeAmount
    private var words = ""
    private var dueAt = NIODeadline.uptimeNanoseconds(0)

    init(every pause: TimeAmount) { self.pause = pause }

    /// Whether these words are to be logged now.
    mutating func isDue(_ words: String, now: NIODeadline = .now()) -> Bool {
        guard words != self.words || now >= dueAt else { return false }
        (self.words, dueAt) = (words, now + pause)
        return true
    }
}

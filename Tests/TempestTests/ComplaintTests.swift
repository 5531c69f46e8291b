import NIOCore
import Testing

@testable import Tempest

@Suite("What does not pass by itself")
struct ComplaintTests {
    @Test("is said again after a while, and at once in other words")
    func words() {
        let start = NIODeadline.now()
        var complaint = Complaint(every: .seconds(5))
        let tries: [(words: String, at: Int64, isSaid: Bool)] = [
            ("a", 0, true), ("a", 1, false), ("a", 4999, false), ("a", 5000, true), ("b", 5001, true), ("b", 9999, false),
            ("a", 10_000, true), ("a", 10_001, false), ("b", 10_001, true), ("a", 10_002, false), ("b", 10_002, false),
        ]
        for (words, at, isSaid) in tries {
            #expect(complaint.isDue(words, now: start + .milliseconds(at)) == isSaid, "\(words) at \(at)")
        }
    }
}

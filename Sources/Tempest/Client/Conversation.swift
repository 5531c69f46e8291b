// The answers of one job as its caller gets them: each once, in the order of seq, from one claim only (protocol/answers.md, "One
// answer, or several"). A value without I/O; the inbox feeds it.

import TempestProtocol

struct Conversation {
    /// What the caller gets now.
    struct Delivery {
        var answers: [Answer] = []
        /// The conversation is over, well or with an error.
        var end: Result<Void, CallFailure>?
    }

    enum CallFailure: Error { case remote(Failure), interrupted }

    /// Parts that came before the ones that precede them, at most; more is not ordinary reordering.
    private static let mostEarly = 10_000

    private var token: String?
    private var next: Int64 = 0
    private var early: [Int64: Answer] = [:]
    private var used = false
    /// Whether the caller uses the parts, or the last answer alone: then an attempt may be replaced until that.
    private let usesParts: Bool

    init(usesParts: Bool) { self.usesParts = usesParts }

    mutating func receive(_ answer: Answer) -> Delivery {
        if let error = answer.error { return Delivery(end: .failure(.remote(error))) }
        if answer.token != token {
            if token != nil || next > 0 {
                if used { return Delivery(end: .failure(.interrupted)) }
                (next, early) = (0, [:])
            }
            token = answer.token
        }
        // A level 0 worker may send several answers without numbers: they count as they come.
        let seq = answer.token == nil ? next : answer.seq
        guard seq >= next, early[seq] == nil, early.count < Self.mostEarly else { return Delivery() }
        early[seq] = answer
        var delivery = Delivery()
        while let answer = early.removeValue(forKey: next) {
            delivery.answers.append(answer)
            next += 1
            used = used || usesParts
            if !answer.more {
                delivery.end = .success(())
                break
            }
        }
        return delivery
    }
}

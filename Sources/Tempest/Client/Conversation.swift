// The answers of one job as its caller gets them: each once, in the order of seq, from one claim only (protocol/answers.md, "One
// answer, or several"). A value without I/O; the inbox feeds it, and its reader takes from it.

import NIOCore
import TempestProtocol

struct Conversation {
    enum CallFailure: Error { case remote(Failure), interrupted }

    /// An answer so many places after the next one is no ordinary reordering.
    private static let mostEarly: Int64 = 10_000

    private var token: String?
    private var hasBegun = false
    private var replaced: [String?] = []
    private var next: Int64 = 0
    private var ready = CircularBuffer<Answer>()
    private var early: [Int64: Answer] = [:]
    private var isUsed = false
    /// Whether the caller uses the parts, or the last answer alone.
    private let usesParts: Bool
    /// Bytes of the answers that wait here.
    private(set) var bytes = 0
    /// How it ended, once the last answer or an error has come; answers that are ready come before it.
    private(set) var end: Result<Void, CallFailure>?

    init(usesParts: Bool) { self.usesParts = usesParts }

    var hasReady: Bool { !ready.isEmpty }

    /// Answers that wait to be taken.
    var held: Int { ready.count + early.count }

    /// The next answer in order, if it has come.
    mutating func take() -> Answer? {
        guard let answer = ready.popFirst() else { return nil }
        isUsed = true
        bytes -= answer.size
        return answer
    }

    /// Takes an answer in; false if it is of no use: it comes too late, twice, or from an attempt that was replaced.
    mutating func receive(_ answer: Answer) -> Bool {
        guard end == nil else { return false }
        // Read once: it stands in a map.
        let other = answer.token
        if let error = answer.error { return fail(error, of: other) }
        if !hasBegun {
            (hasBegun, token) = (true, other)
        } else if other != token {
            if replaced.contains(other) { return false }
            if isUsed {
                dropReady()
                close(.failure(.interrupted))
                return true
            }
            replaced.append(token)
            dropReady()
            dropEarly()
            (token, next) = (other, 0)
        }
        guard usesParts else {
            if !answer.more { last(answer) }
            return true
        }
        return put(answer)
    }

    /// The job has failed, whatever is still missing. What came before that in order is given first.
    private mutating func fail(_ error: Failure, of other: String?) -> Bool {
        if let other, hasBegun, other != token {
            if replaced.contains(other) { return false }
            if !isUsed { dropReady() }
        }
        close(.failure(.remote(error)))
        return true
    }

    private mutating func put(_ answer: Answer) -> Bool {
        // Some workers number none of their answers: without a token they count as they come, and the last one is the last in any case.
        var place = token == nil ? answer.place ?? next : answer.seq
        if !answer.more { place = max(place, next) }
        guard place >= next, place - next <= Self.mostEarly, early[place] == nil else { return false }
        guard place == next else {
            early[place] = answer
            bytes += answer.size
            return true
        }
        if !answer.more {
            last(answer)
            return true
        }
        add(answer)
        while !early.isEmpty, let answer = early.removeValue(forKey: next) {
            bytes -= answer.size
            if !answer.more {
                last(answer)
                break
            }
            add(answer)
        }
        return true
    }

    private mutating func add(_ answer: Answer) {
        ready.append(answer)
        bytes += answer.size
        next += 1
    }

    private mutating func last(_ answer: Answer) {
        add(answer)
        close(.success(()))
    }

    private mutating func close(_ result: Result<Void, CallFailure>) {
        dropEarly()
        end = result
    }

    private mutating func dropReady() {
        for answer in ready { bytes -= answer.size }
        ready.removeAll()
    }

    private mutating func dropEarly() {
        for answer in early.values { bytes -= answer.size }
        early = [:]
    }
}

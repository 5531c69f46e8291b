// How a job ended, decided by its run (JobRun.swift) and applied in exactly one place (ClaimLedger.swift).

import TempestCodecs
import TempestProtocol

/// What a handler returned: values one after the other, none for a handler that returns nothing.
struct HandlerReply: Sendable {
    var args = TokenBuffer()
    var count = 0
}

enum Outcome: Sendable {
    /// Answered with the reply.
    case finished(HandlerReply)
    /// Answered with the error.
    case failed(Failure)
    /// Recorded as dead; the caller is answered where there is an answer to give.
    case dead(reason: String, detail: String, Failure?)
    /// Given back: the job was interrupted before its handler ended.
    case released

    /// The dimension of the metric.
    var name: String {
        switch self {
        case .finished: "done"
        case .failed: "failed"
        case .dead: "dead"
        case .released: "released"
        }
    }
}

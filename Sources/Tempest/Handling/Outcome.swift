// How a job ended, decided by its run (JobRun.swift) and applied in exactly one place (ClaimLedger.swift).

import TempestCodecs
import TempestProtocol

/// What a handler returned: values one after the other, none for a handler that returns nothing. An object, because it is handed on from
/// the handler to the ledger through all that a job's end consists of.
final class HandlerReply: Sendable {
    let args: TokenBuffer
    let count: Int

    init(_ args: TokenBuffer, count: Int) { (self.args, self.count) = (args, count) }

    static let nothing = HandlerReply(TokenBuffer(), count: 0)
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
    /// To be run again in so many milliseconds, as this payload; nobody is answered yet.
    case retry(after: Int64, payload: [UInt8])
    /// Put aside for a process that has a handler for its action: for so many milliseconds at least.
    case unknown(action: String, patience: Int64)
    /// Done, and this payload follows on the level: the next step of a route, whose answer is the caller's.
    case next(Level, payload: [UInt8])
    /// Came too late to be begun; answered only if its caller still waits.
    case expired(Failure?)
    /// Was cancelled, by its id.
    case cancelled(JobID)

    /// A job that is to be run once, and whose handler was left behind.
    static var interrupted: Outcome {
        let failure = DeadJobAnswer.Reason.interrupted.failure
        return .dead(reason: failure.code, detail: failure.message, failure)
    }

    /// Whether the job was found wrong where it says how it goes on: that comes before everything else.
    var isBadRoute: Bool {
        guard case .dead(let reason, _, _) = self else { return false }
        return reason == Failure.badRoute
    }

    /// Whether the job waits for another worker.
    var isUnknown: Bool { if case .unknown = self { true } else { false } }

    /// The dimension of the metric.
    var name: String {
        switch self {
        case .finished, .next: "done"
        case .failed: "failed"
        case .dead: "dead"
        case .released: "released"
        case .retry: "retried"
        case .unknown: "unknown"
        case .expired: "expired"
        case .cancelled: "cancelled"
        }
    }

    /// How settle takes it (protocol/tempest.lua).
    var word: String {
        switch self {
        case .finished, .released: "done"
        case .failed: "failed"
        case .dead(let reason, let detail, _): "dead \(reason) \(JobRules.shortened(detail))"
        case .retry(let delay, _): "retry \(delay)"
        case .unknown(let action, let patience): "unknown \(patience) \(action)"
        case .next(let level, _): "next \(level)"
        case .expired: "expired"
        case .cancelled(let id): "cancelled \(id)"
        }
    }
}

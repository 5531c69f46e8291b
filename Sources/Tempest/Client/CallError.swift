// Why a call did not end with an answer.

public import TempestCodecs
public import TempestProtocol

/// Thrown by calls: the worker answered with an error, or no answer came.
public struct CallError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case remote, timedOut = "timed out", interrupted, closed, badAnswer = "bad answer", badAction = "bad action"
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The worker answered with an error: ``CallError/remoteCode`` is its code.
        public static let remote = Code(.remote)
        /// No answer within the time-out. The job may still run; its answer will be dropped.
        public static let timedOut = Code(.timedOut)
        /// A stream broke off in one worker and began again in another after parts of it had been used; or a job that is to be run once
        /// was interrupted, and may have been carried out.
        public static let interrupted = Code(.interrupted)
        /// The client was shut down.
        public static let closed = Code(.closed)
        /// The answer does not decode into the type that was asked for.
        public static let badAnswer = Code(.badAnswer)
        /// The action cannot be called on this queue: workers of node-tempest answer by a command of its name, and Redis has that one.
        public static let badAction = Code(.badAction)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// What happened, in a sentence.
    public var message: String
    /// The worker's error code, such as `unknown_action`, `bad_args`, `handler`, or one of its own.
    public var remoteCode: String?
    /// What the worker added to its error.
    public var details: Value?
    /// The job that was called.
    public var job: JobID?

    init(_ code: Code, _ message: String, job: JobID? = nil) {
        (self.code, self.message, self.job) = (code, message, job)
    }

    init(_ failure: Failure, job: JobID) {
        self.init(failure.code == Failure.interrupted ? .interrupted : .remote, failure.message, job: job)
        (remoteCode, details) = (failure.code, failure.details)
    }

    init(_ failure: Conversation.CallFailure, job: JobID) {
        switch failure {
        case .remote(let failure): self.init(failure, job: job)
        case .interrupted:
            self.init(.interrupted, "the worker died after some answers, and another began anew", job: job)
        }
    }

    public var description: String {
        (remoteCode.map { "\($0): \(message)" } ?? "\(code): \(message)") + (job.map { " (job \($0))" } ?? "")
    }
}

// The error that a handler raises for its caller. After it: an answer whose meta.error carries it.

public import TempestCodecs
import TempestProtocol

/// Thrown by a handler to answer its caller with an error of its own choosing.
///
/// Any other error that a handler throws is answered as `handler`, "the handler failed", and logged: its text may tell more than a
/// caller should know.
public struct HandlerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One word for programs: `[a-z][a-z0-9_]{0,63}`, and none of those that the protocol keeps for itself, such as `expired` or `cancelled`.
    /// With any other the caller is told `handler`, and the worker's log has a warning. `bad_args` is never tried again.
    public var code: String
    /// A sentence for people.
    public var message: String
    /// Whatever else the caller may use.
    public var details: Value?

    public init(code: String = "handler", message: String, details: Value? = nil) {
        self.code = code
        self.message = message
        self.details = details
    }

    public var description: String { "\(code): \(message)" }

    /// What its caller is told.
    var failure: Failure { Failure(chosen: code, message: message, details: details) }
}

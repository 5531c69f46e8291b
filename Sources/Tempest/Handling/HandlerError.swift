// The error that a handler raises for its caller. After it: an answer whose meta.error carries it.

public import TempestCodecs
import TempestProtocol

/// Thrown by a handler to answer its caller with an error of its own choosing.
///
/// Any other error that a handler throws is answered as `handler`, "the handler failed", and logged: its text may tell more than a
/// caller should know.
public struct HandlerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One word for programs: `[a-z][a-z0-9_]{0,63}`.
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

    var failure: Failure { Failure(code: code, message: message, details: details) }
}

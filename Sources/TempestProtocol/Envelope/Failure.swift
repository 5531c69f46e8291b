// What went wrong with a job, as its caller may know it: `meta.error` of an answer (protocol/envelope.md has the codes).

package import TempestCodecs

package struct Failure: Error, Sendable, Equatable {
    package var code: String
    package var message: String
    package var details: Value?

    package init(code: String, message: String, details: Value? = nil) {
        (self.code, self.message, self.details) = (code, message, details)
    }

    package static let unknownAction = "unknown_action"
    package static let badArguments = "bad_args"
    package static let badRoute = "bad_route"
    package static let badAnswer = "bad_answer"
    package static let handler = "handler"
    package static let interrupted = "interrupted"
    package static let timeout = "timeout"
    package static let expired = "expired"
    package static let cancelled = "cancelled"
    package static let poison = "poison"
}

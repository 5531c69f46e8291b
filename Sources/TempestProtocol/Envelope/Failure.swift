// What went wrong with a job, as its caller may know it: `meta.error` of an answer (protocol/envelope.md has the codes).

package import TempestCodecs

package struct Failure: Error, Sendable, Equatable {
    package var code: String
    package var message: String
    package var details: Value?

    package init(code: String, message: String, details: Value? = nil) {
        (self.code, self.message, self.details) = (code, message, details)
    }

    /// The failure that a handler has chosen. A code that is not a handler's to choose, because it tells what the protocol itself decides, or
    /// because it is not one word, is `handler` to its caller.
    package init(chosen code: String, message: String, details: Value? = nil) {
        self.init(code: Self.mayBeChosen(code) ? code : Self.handler, message: message, details: details)
    }

    /// Whether a handler may answer with this code: `[a-z][a-z0-9_]{0,63}`, and none of those that are kept.
    package static func mayBeChosen(_ code: String) -> Bool {
        guard let first = code.utf8.first, isLowercase(first), code.utf8.count <= longestCode else { return false }
        let isWord = code.utf8.allSatisfy { isLowercase($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
        return isWord && !kept.contains(code)
    }

    private static func isLowercase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static let longestCode = 64
    private static let kept: Set<String> = [
        unknownAction, expired, cancelled, poison, interrupted, "exhausted", badAnswer, badRoute, "bad_codec", "bad_envelope",
        "bad_address",
        "foreign", "refused", "wrong_type",
    ]

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

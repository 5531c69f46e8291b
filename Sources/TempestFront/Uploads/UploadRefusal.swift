// Why a request's body is not taken, as the browser is to be told. Thrown by the readers of bodies; the front answers with its
// status.

public import HTTPTypes
import Tempest

/// Thrown for a body that cannot be taken.
public struct UploadRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String { case malformed, truncated, tooLarge = "too large", full, crowded, unavailable }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// It is not what its content type says: 400.
        public static let malformed = Code(.malformed)
        /// It ended before its end, mostly because the browser went away: 400, if anybody is there to hear it.
        public static let truncated = Code(.truncated)
        /// It is longer, or has more parts, than the front takes: 413.
        public static let tooLarge = Code(.tooLarge)
        /// The folder's quota or its disk has no room: 507.
        public static let full = Code(.full)
        /// The requests of this address bring too much at once: 429.
        public static let crowded = Code(.crowded)
        /// The folder cannot be written: 503.
        public static let unavailable = Code(.unavailable)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// What was wrong, in a sentence, for the log and for whoever sent it: no path of this host, nothing of the body.
    public var message: String

    init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    init(_ error: FormError) {
        let code: Code =
            switch error.code {
            case .malformed: .malformed
            case .truncated: .truncated
            case .tooLarge: .tooLarge
            }
        self.init(code, error.message)
    }

    /// What the browser is told.
    public var status: HTTPResponse.Status {
        switch code {
        case .malformed, .truncated: .badRequest
        case .tooLarge: .contentTooLarge
        case .crowded: .tooManyRequests
        case .full: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        default: .serviceUnavailable
        }
    }

    public var description: String { "\(code): \(message)" }
}

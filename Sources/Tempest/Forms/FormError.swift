// Why a form could not be read.

/// Thrown for a body that says it is a form and cannot be read as one.
public struct FormError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of trouble, for programs.
    public enum Code: String, Sendable, Hashable {
        /// The body is not what its content type says.
        case malformed
        /// The body ended before the form's last boundary.
        case truncated
        /// The form has more parts, or longer heads of parts, than are taken.
        case tooLarge = "too large"
    }

    public let code: Code
    /// What is wrong, in a sentence; nothing of the body is in it.
    public let message: String

    package init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    public var description: String { "\(code.rawValue): \(message)" }
}

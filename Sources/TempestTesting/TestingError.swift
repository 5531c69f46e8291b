// What goes wrong in the test kit itself: a server that does not start, an event that does not come.
// Thrown by PrivateRedis, ProcessRunner and eventually; ends the test with its sentence.

/// An error of the test kit; its message says what was waited for and what was seen instead.
public struct TestingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, and what to do.
    public let message: String

    /// The message.
    public var description: String { self.message }

    init(_ message: String) { self.message = message }
}

// What goes wrong with a session apart from Redis itself. Thrown to handlers by
// JobSession, and to whoever starts a front with rules that cannot be.

/// Thrown by ``JobSession`` for a field that cannot be, or does not hold what was asked for; by a front for its rules.
public struct SessionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String { case name, content, type, rules }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// A field's name is empty, longer than 255 bytes, or has control characters.
        public static let name = Code(.name)
        /// A field holds something other than the JSON of an array of one value: another program wrote it.
        public static let content = Code(.content)
        /// A field holds a value of another type than was asked for.
        public static let type = Code(.type)

        /// A front's rules for sessions contradict themselves.
        public static let rules = Code(.rules)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// What was wrong, in a sentence; it names the field, never its value.
    public var message: String

    package init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    public var description: String { "\(code): \(message)" }
}

// Why bytes are no document, or a value has no bytes: what, where, and what would be right.

/// Thrown by readers and writers.
public struct CodecError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of trouble, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case syntax, depth, values, size, claim, duplicateKey, text, number, unencodable, trailing, unknownCodec
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The bytes are not in the codec's grammar.
        public static let syntax = Code(.syntax)
        /// Nested deeper than the limit.
        public static let depth = Code(.depth)
        /// More values than the limit.
        public static let values = Code(.values)
        /// More bytes than the limit.
        public static let size = Code(.size)
        /// A length or count is larger than what is left of the input.
        public static let claim = Code(.claim)
        /// A map has a key twice.
        public static let duplicateKey = Code(.duplicateKey)
        /// Text is not valid UTF-8, or not valid in the codec's escapes.
        public static let text = Code(.text)
        /// A number is out of range or not finite.
        public static let number = Code(.number)
        /// The codec has no form for this value.
        public static let unencodable = Code(.unencodable)
        /// There are bytes after the value.
        public static let trailing = Code(.trailing)
        /// No codec begins so.
        public static let unknownCodec = Code(.unknownCodec)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// What was wrong, in a sentence.
    public var message: String
    /// The byte of the input, from 0; nil when writing.
    public var offset: Int?

    public init(_ code: Code, _ message: String, at offset: Int? = nil) {
        (self.code, self.message, self.offset) = (code, message, offset)
    }

    public var description: String { offset.map { "\(message), at byte \($0)" } ?? message }
}

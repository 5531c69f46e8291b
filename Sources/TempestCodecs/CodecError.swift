// What a codec says when bytes are no document, or a value is no document's.
// Thrown by readers before a job is made of the bytes, and by writers before anything is sent.

/// An error of reading or writing a document: what was wrong, and where.
///
/// Readers and writers throw nothing else. `message` begins with the codec's name; the description adds the place and the offset:
/// `json: an integer beyond -2^63 to 2^64-1, in $.users[3].id, at byte 117`.
public struct CodecError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of an error, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case syntax, depth, values, size, claim, duplicateKey, text, number, unencodable, trailing, unknownCodec
        }

        private let kind: Kind

        /// The bytes (or the calls on a writer) do not follow the grammar.
        public static let syntax = Code(kind: .syntax)
        /// More containers inside each other than the limit.
        public static let depth = Code(kind: .depth)
        /// More values than the limit.
        public static let values = Code(kind: .values)
        /// More bytes than the limit.
        public static let size = Code(kind: .size)
        /// A header that claims more bytes or elements than are left.
        public static let claim = Code(kind: .claim)
        /// A key that is in the same map already.
        public static let duplicateKey = Code(kind: .duplicateKey)
        /// Text that is not valid UTF-8, or a key that is not text.
        public static let text = Code(kind: .text)
        /// A number that is out of range or written in a forbidden way.
        public static let number = Code(kind: .number)
        /// A value that the codec has no form for; reading: one that no value of the protocol stands for.
        public static let unencodable = Code(kind: .unencodable)
        /// Bytes after the value.
        public static let trailing = Code(kind: .trailing)
        /// No codec reads bytes that begin so.
        public static let unknownCodec = Code(kind: .unknownCodec)

        /// The name of the code.
        public var description: String { kind.rawValue }
    }

    /// The kind of the error.
    public let code: Code
    /// What was wrong, in one line, beginning with the codec's name.
    public let message: String
    /// The offset in the input, in bytes from 0; nil when something is written that was not read.
    public let offset: Int?
    /// The place in the document, for people: `$.users[3].id`, cut where it is long; nil at the root, and where it is not known.
    public let path: String?

    /// An error of a codec; third parties' codecs throw it too.
    public init(_ code: Code, _ message: String, at offset: Int? = nil, in path: String? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
        self.path = path
    }

    /// The message, the place and the offset.
    public var description: String {
        message + (path.map { ", in \($0)" } ?? "") + (offset.map { ", at byte \($0)" } ?? "")
    }
}

extension CodecError {
    /// A float that no codec writes.
    @inline(never)
    static func notFinite(_ value: Double, _ codec: String) -> CodecError {
        CodecError(.number, "\(codec): \(value) is no value, floats are finite")
    }
}

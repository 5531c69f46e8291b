// What goes wrong with content that was put aside. Thrown to handlers by UploadReference and to the front by its store.

/// Thrown when content that a front has put aside cannot be kept or had.
public struct UploadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String { case missing, changed, folder, tooLarge = "too large", full, file }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// There is no such content: its request has ended, it was removed or swept, or is in another folder.
        public static let missing = Code(.missing)
        /// Its size or its SHA-256 is not what the job says.
        public static let changed = Code(.changed)
        /// The folder is not set, missing, or not safe to keep uploads in.
        public static let folder = Code(.folder)
        /// It is longer than the reader or the front takes.
        public static let tooLarge = Code(.tooLarge)
        /// The quota or the disk has no room.
        public static let full = Code(.full)
        /// The file system refused; the message has its words.
        public static let file = Code(.file)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// What was wrong and what to do about it, in a sentence. Never a token, which is a right.
    public var message: String

    /// An error; stores of other makers throw it too.
    public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    public var description: String { "\(code): \(message)" }
}

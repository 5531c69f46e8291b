// What ties an answer to its job: made by the producer, echoed by the worker in the same kind.

public import TempestCodecs

/// The id of a job: text of at least 128 random bits; or an integer from -2^63 to 2^64-1, as node-tempest made them, which is only
/// echoed.
public enum JobID: Sendable, Hashable, CustomStringConvertible {
    case text(String)
    case integer(Int128)

    /// A fresh id: 128 random bits as 26 characters.
    public static func random() -> JobID { .text(Identifier.random()) }

    public var description: String {
        switch self {
        case .text(let text): text
        case .integer(let integer): String(integer)
        }
    }
}

extension JobID: TokenWritable {
    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        switch self {
        case .text(let text): try writer.text(text)
        case .integer(let integer):
            if let int = Int64(exactly: integer) { try writer.int(int) } else { try writer.uint(UInt64(clamping: integer)) }
        }
    }
}

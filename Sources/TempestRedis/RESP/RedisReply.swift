// One reply of Redis in RESP2, copied out of hiredis' own objects.
// Made by ReplyParser; read by whoever sent the command.

/// A value that Redis sent.
package enum RedisReply: Sendable, Equatable {
    /// No value: `$-1` or `*-1`.
    case null
    case integer(Int64)
    case bytes([UInt8])
    /// A short word such as `OK`.
    case status(String)
    case array([RedisReply])
    /// An error inside an array; an error of its own fails the command instead.
    case error(String)

    /// The text of bytes or a status; bytes that are not UTF-8 come repaired. Nil for anything else.
    package var string: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// The number of an integer, or of bytes that are a decimal number. Nil for anything else.
    package var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .bytes, .status: self.string.flatMap { Int64($0) }
        default: nil
        }
    }

    /// The elements of an array. Nil for anything else.
    package var array: [RedisReply]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The bytes of a string or a status. Nil for anything else.
    package var bytes: [UInt8]? {
        switch self {
        case .bytes(let bytes): bytes
        case .status(let text): Array(text.utf8)
        default: nil
        }
    }

    /// Whether there is no value.
    package var isNull: Bool { self == .null }
}

import TempestRedis

/// Replies that no function of ours sends.
enum RedisReplyShape: Sendable {
    case integer, short, payload

    var reply: RedisReply {
        switch self {
        case .integer: .integer(1)
        case .short: .array([.array([]), .bytes(Array("default".utf8))])
        case .payload: .array([.array([]), .bytes(Array("default".utf8)), .integer(1), .array([.integer(5)])])
        }
    }
}

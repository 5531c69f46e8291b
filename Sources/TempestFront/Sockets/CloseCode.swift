// The codes with which WebSockets end (RFC 6455, 7.4). Before it: a close frame, or a reason of ours. After it: a close frame, or a
// close job.

/// Why a WebSocket ended.
struct CloseCode: RawRepresentable, Sendable, Hashable {
    let rawValue: UInt16

    static let normal = CloseCode(rawValue: 1000)
    static let goingAway = CloseCode(rawValue: 1001)
    static let protocolError = CloseCode(rawValue: 1002)
    /// Never in a frame: a close frame without a code.
    static let none = CloseCode(rawValue: 1005)
    /// Never in a frame: the connection broke.
    static let broken = CloseCode(rawValue: 1006)
    static let notUTF8 = CloseCode(rawValue: 1007)
    static let tooBig = CloseCode(rawValue: 1009)
    static let failed = CloseCode(rawValue: 1011)
    static let overloaded = CloseCode(rawValue: 1013)

    /// Whether a frame may carry it.
    var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

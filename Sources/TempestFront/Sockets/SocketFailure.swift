// Why an event of a socket has no answer. Before it: TempestSocketBackend and SocketFrame. After it: SocketHandler, which refuses the
// handshake or ends the connection.

import HTTPTypes
import NIOHTTP1
import Tempest
import TempestProtocol

/// What is for the log, and what a browser is told whose handshake waits for the answer.
struct SocketFailure: Error, CustomStringConvertible {
    let description: String
    let status: HTTPResponseStatus

    /// A worker answered what is no answer for a socket.
    init(_ description: String) { (self.description, status) = (description, .badGateway) }

    /// No answer came in time.
    static func late(_ description: String) -> SocketFailure { SocketFailure(description, .gatewayTimeout) }

    /// A worker's error.
    init(_ error: Failure) { self.init("\(error.code): \(error.message)", Self.status(error.code)) }

    /// The event did not reach the queue.
    init(pushing error: any Error) {
        self.init("an event could not be pushed: \(error)", HTTPResponseStatus(Refusal(error).status))
    }

    private init(_ description: String, _ status: HTTPResponseStatus) { (self.description, self.status) = (description, status) }

    /// An error that a handler chose refuses the connection; the others (protocol/envelope.md) mean what they mean for a request.
    private static func status(_ code: String) -> HTTPResponseStatus {
        switch code {
        case "timeout", "expired": .gatewayTimeout
        case "cancelled": .serviceUnavailable
        case "unknown_action", "poison", "interrupted", "bad_answer", "bad_route": .badGateway
        case "handler", "exhausted", "bad_args": .internalServerError
        default: .forbidden
        }
    }

    /// What refuses the handshake.
    var decision: UpgradeDecision { .refused(status, status == .serviceUnavailable ? ["Retry-After": "1"] : [:]) }
}

extension HTTPResponseStatus {
    fileprivate init(_ status: HTTPResponse.Status) { self.init(statusCode: status.code) }
}

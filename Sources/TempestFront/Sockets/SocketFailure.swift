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
    /// Whether a worker may know the connection, and has not ended it itself.
    let isKnown: Bool

    /// A worker answered what is no answer for a socket.
    init(_ description: String) { self.init(description, .badGateway, isKnown: true) }

    /// No answer came in time.
    static func late(_ description: String) -> SocketFailure { SocketFailure(description, .gatewayTimeout, isKnown: true) }

    /// A worker's error. One that its handler chose refuses the connection.
    init(_ error: Failure) {
        let status = Refusal.status(error.code).map { HTTPResponseStatus($0) } ?? .forbidden
        self.init("\(error.code): \(error.message)", status, isKnown: false)
    }

    /// The event did not reach the queue.
    init(pushing error: any Error) {
        self.init("an event could not be pushed: \(error)", HTTPResponseStatus(Refusal(error).status), isKnown: false)
    }

    private init(_ description: String, _ status: HTTPResponseStatus, isKnown: Bool) {
        (self.description, self.status, self.isKnown) = (description, status, isKnown)
    }

    /// What refuses the handshake.
    var decision: UpgradeDecision { .refused(status, status == .serviceUnavailable ? ["Retry-After": "1"] : [:]) }
}

extension HTTPResponseStatus {
    fileprivate init(_ status: HTTPResponse.Status) { self.init(statusCode: status.code) }
}

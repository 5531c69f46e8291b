// What the front answers itself, when no worker does. Before it: what went wrong. After it: a few bytes of text for the browser; the
// reason for it stays in the log.

import HTTPTypes
import Hummingbird
import NIOCore
import Tempest

/// A response of the front's own.
struct Refusal: Error {
    var status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    /// For the browser: a sentence without anything that came from a worker or another browser.
    var text: String

    init(_ status: HTTPResponse.Status, _ text: String, headers: HTTPFields = [:]) {
        (self.status, self.text, self.headers) = (status, text, headers)
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = "text/plain; charset=utf-8"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }

    /// For a client that sends more than its route allows; it may come again after so many seconds.
    static func tooMany(after seconds: Int) -> Refusal {
        Refusal(.tooManyRequests, "Too many requests: try again later.", headers: [.retryAfter: "\(max(1, seconds))"])
    }

    static func busy(_ text: String) -> Refusal { Refusal(.serviceUnavailable, text, headers: [.retryAfter: "1"]) }

    /// For what must not be asked for again without a look: no `Retry-After`.
    static var doubt: Refusal { Refusal(.badGateway, "No answer will come, and the request may have been carried out.") }

    /// What the codes of errors mean that no handler chose (protocol/envelope.md); nil: a handler did.
    static func status(_ code: String) -> HTTPResponse.Status? {
        switch code {
        case "timeout", "expired": .gatewayTimeout
        case "cancelled": .serviceUnavailable
        case "unknown_action", "poison", "interrupted", "bad_answer": .badGateway
        case "handler", "exhausted", "bad_args", "bad_route": .internalServerError
        default: nil
        }
    }

    /// From what ended a correspondence.
    ///
    /// - Parameter mustNotRepeat: whether to carry out the request twice would do harm: then nothing says that it was not carried out unless
    ///   that is known.
    init(_ error: any Error, mustNotRepeat: Bool = false) {
        switch error {
        case let refusal as Refusal: self = refusal
        case let error as UploadRefusal:
            self.init(error.status, error.message, headers: error.code == .crowded ? [.retryAfter: "1"] : [:])
        case is UnfitAnswer: self.init(.badGateway, "The answer was not fit for a browser.")
        case let error as CallError:
            switch (error.code, error.remoteCode.flatMap(Self.status)) {
            case (.timedOut, _), (_, .gatewayTimeout?): self.init(.gatewayTimeout, "No answer came in time.")
            case (.interrupted, _): self = .doubt
            case (_, .serviceUnavailable?), (.closed, _):
                self = mustNotRepeat ? .doubt : .busy("The request was not carried out.")
            case (_, .badGateway?): self.init(.badGateway, "Nobody could answer.")
            default: self.init(.internalServerError, "The request failed.")
            }
        case let error as RedisError where error.mayPass || error.code == .memory:
            self = .busy("The queue cannot be reached.")
        case let error as HTTPError: self.init(error.status, error.body ?? error.status.reasonPhrase)
        default: self.init(.internalServerError, "The request failed.")
        }
    }
}

// From a connection's request to the responder of the snapshot that holds, and from its response to the connection.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Answers the requests of all connections of a front, as Hummingbird's application does.
struct RequestDispatch: Sendable {
    let current: CurrentSnapshot
    let purpose: ListeningSocket.Purpose
    let dates = DateHeader()
    let logger: Logger

    // Concurrent, as the server that calls it is.
    @concurrent func respond(to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel) async throws {
        let response = try await response(to: request, on: channel)
        do {
            try await writer.write(response: response.head, body: response.body)
        } catch is HTTPParserError {
            // It would be answered with a second response.
            throw CancellationError()
        }
    }

    private func response(to request: Request, on channel: any Channel) async throws -> Response {
        let context = FrontContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
        // There is one before the first connection is accepted.
        guard let snapshot = current.value else { throw CancellationError() }
        var response: Response
        do {
            switch purpose {
            case .requests: response = try await snapshot.responder.respond(to: request, context: context)
            case .redirect: response = try await snapshot.redirect.respond(to: request, context: context)
            }
        } catch let error as HTTPParserError {
            throw error
        } catch {
            // Whoever was cancelled has left.
            RequestLogger(logger, request).debug("a request ended without a response", ["error": "\(error)"])
            response = Response(status: .internalServerError)
        }
        response.headers[.date] = dates.text
        RequestID.pass(from: request.headers, to: &response.headers)
        return response
    }
}

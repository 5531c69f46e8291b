// What the program logs of a request, with the request's id. The id is looked for only when something is logged: most requests log nothing.

import HTTPTypes
import Hummingbird
import Logging

struct RequestLogger: Sendable {
    private let logger: Logger
    private let headers: HTTPFields

    init(_ logger: Logger, _ request: Request) { (self.logger, headers) = (logger, request.headers) }

    func warning(_ message: Logger.Message, _ metadata: Logger.Metadata) {
        logger.warning(message, metadata: withID(metadata))
    }

    func debug(_ message: Logger.Message, _ metadata: @autoclosure () -> Logger.Metadata) {
        logger.debug(message, metadata: withID(metadata()))
    }

    private func withID(_ metadata: Logger.Metadata) -> Logger.Metadata {
        guard let id = RequestID.of(headers) else { return metadata }
        return metadata.merging(["request_id": .string(id)]) { old, _ in old }
    }
}

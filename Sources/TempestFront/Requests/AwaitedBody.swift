// `Expect: 100-continue`: a browser that waits with its body is asked for it when somebody begins to read it, and not before: what is
// refused by its head alone is never sent. Before it: the responder. After it: RequestGate or StreamGate, which tell the browser.

import HTTPTypes
import Hummingbird
import NIOCore

/// The event for a connection's gate: the body of the request is wanted now.
struct BodyWanted: Sendable {}

/// A body whose first reader asks for it.
struct AwaitedBody: AsyncSequence, Sendable {
    let body: RequestBody
    let channel: any Channel

    /// The request, so that its body is asked for if need be.
    static func await(_ request: Request, on channel: any Channel) -> Request {
        guard let expectation = request.headers[.expect], RequestCheck.tokens(expectation).contains("100-continue") else {
            return request
        }
        var request = request
        request.body = RequestBody(asyncSequence: AwaitedBody(body: request.body, channel: channel))
        return request
    }

    func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator(), channel: channel) }

    struct Iterator: AsyncIteratorProtocol {
        var body: RequestBody.AsyncIterator
        /// nil: it has been asked.
        var channel: (any Channel)?

        // Concurrent, as the iterator of the body is.
        @concurrent mutating func next() async throws -> ByteBuffer? {
            if let channel {
                self.channel = nil
                // Not waited for: if the connection is gone, the body says so.
                channel.triggerUserOutboundEvent(BodyWanted(), promise: nil)
            }
            return try await body.next()
        }
    }
}

// The messages of a subscription, as they come.
// Lives within RedisClient.withSubscription: the connection fills it, the body reads it.

import NIOCore

/// The messages of a scope's channels and patterns, in order. One reader.
///
/// It throws RedisError when the connection is lost, or when the reader has fallen 10,000 messages behind: what was received before
/// is handed out first. Messages are not kept by Redis: what is published while nobody is subscribed is gone.
package struct RedisSubscription: AsyncSequence, Sendable {
    package typealias Element = RedisMessage
    package typealias Failure = any Error

    /// How many messages wait for the reader at most.
    package static let capacity = 10_000

    let stream: AsyncThrowingStream<RedisMessage, any Error>
    let continuation: AsyncThrowingStream<RedisMessage, any Error>.Continuation

    init(capacity: Int = Self.capacity) {
        (self.stream, self.continuation) = AsyncThrowingStream.makeStream(
            of: RedisMessage.self, throwing: (any Error).self, bufferingPolicy: .bufferingOldest(capacity))
    }

    package func makeAsyncIterator() -> AsyncThrowingStream<RedisMessage, any Error>.Iterator {
        self.stream.makeAsyncIterator()
    }

    /// Hands a message to the reader; returns an error when it is too slow or gone.
    func deliver(_ message: RedisMessage) -> RedisError? {
        switch self.continuation.yield(message) {
        case .enqueued: return nil
        case .dropped:
            let error = RedisError(
                .closed, "the subscription was ended: its reader fell \(Self.capacity) messages behind")
            self.continuation.finish(throwing: error)
            return error
        case .terminated: return RedisError(.closed, "nobody reads the subscription any more")
        @unknown default: return nil
        }
    }

    func end(_ error: RedisError) {
        if error.code == .closed { self.continuation.finish() } else { self.continuation.finish(throwing: error) }
    }
}

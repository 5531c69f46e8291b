// Frames that no message asked for: any program that knows a connection may send to it, at any time. Before it: one of the connection's
// jobs. After it: the inbox of its front.

import TempestCodecs
import TempestProtocol
import TempestRedis

/// A browser's WebSocket as workers know it. It may be kept, in a session or a database, and be used by another process.
public struct WebSocketConnection: Codable, Sendable, Hashable {
    /// The queue that its jobs come by.
    public let queue: String
    public let respondTo: String
    /// The id of all of its jobs.
    public let job: String

    public init(queue: String, respondTo: String, job: String) {
        (self.queue, self.respondTo, self.job) = (queue, respondTo, job)
    }
}

extension JobContext {
    /// The connection that the job belongs to; nil for a job that nobody waits for, as that of a connection's end.
    public var connection: WebSocketConnection? {
        guard let respondTo = job.respondTo, case .text(let id) = job.id else { return nil }
        return WebSocketConnection(queue: queue.description, respondTo: respondTo, job: id)
    }
}

extension TempestClient {
    /// Sends frames to a connection: in this order, and none between them.
    ///
    /// - Returns: false when its front is gone. A front that is there drops what comes for a connection that has ended.
    /// - Throws: ``NameError`` for a connection that is none; ``RedisError``: with `.connectionLost` they may or may not have been sent.
    @discardableResult
    public func send(_ frames: WebSocketFrame..., to connection: WebSocketConnection) async throws -> Bool {
        var (queue, inbox) = (try QueueName(connection.queue), InboxID?.none)
        switch Address(connection.respondTo) {
        case .inbox(let id): inbox = id
        case .elsewhere(let id, let home): (inbox, queue) = (id, home)
        case .direct, nil: break
        }
        guard let inbox else {
            throw NameError(description: "\(connection.respondTo.prefix(80).debugDescription) is no inbox, or inbox@queue")
        }
        var args = TokenBuffer()
        for frame in frames { try args.record(frame) }
        let answer = AnswerDraft(action: "websocket", id: .text(connection.job), args: args, count: frames.count)
        let reply = try await FunctionLoader.call(
            .fcall(
                FunctionLibrary.tell, key: queue.description,
                [.init(inbox.description), .init(try options.codec.encode(answer, limits: options.limits))]), on: redis)
        return reply.integer == 1
    }
}

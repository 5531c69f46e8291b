// What a handler may know about its job and do with it while it runs. Before it: the look-up by action. After it: the outcome.

public import Logging
public import TempestCodecs
public import TempestProtocol

/// The job at hand: handed to a handler along with its decoded arguments.
public struct JobContext: Sendable {
    /// The envelope: action, arguments, id, meta, codec.
    public let job: Job
    public let queue: QueueName
    public let level: Level
    /// Which attempt this is, from 1.
    public let attempt: Int
    /// Carries queue, level, action and job id.
    public var logger: Logger

    let answers: AnswerSender

    /// The raw arguments, for handlers without fixed types.
    public var args: Node { job.args }

    /// Whether the handler should stop: its job was cancelled, took longer than it may, or is not this worker's any more. The same as
    /// `Task.isCancelled` in the handler's task; what waits there throws `CancellationError` by itself.
    public var isCancelled: Bool { Task.isCancelled }

    /// To be thrown by a handler whose job is to be tried again later, also when its policy would end it here.
    public func retry(after delay: Duration, because reason: String = "the handler asked for another attempt") -> JobRetry {
        JobRetry(after: delay, reason: reason)
    }

    /// Sends an answer that is not the last: the caller gets it at once, as the next element of its stream.
    ///
    /// Returns when Redis has it; where the job has credits, first waits until its caller has use for it. Without a caller (`respond_to` is null) nothing is sent. Throws `CancellationError` when the job is
    /// no longer this worker's, ``RedisError`` when Redis stays away, and an encoding error when the value does not fit the codec.
    public func send(_ value: some Encodable) async throws {
        var buffer = TokenBuffer()
        try buffer.record(value)
        try await answers.send(buffer)
    }
}

// What a handler may know about its job and do with it while it runs. Before it: the look-up by action. After it: the outcome.

public import Logging
public import TempestCodecs
public import TempestProtocol
import TempestRedis

/// The job at hand: handed to a handler along with its decoded arguments.
public struct JobContext: Sendable {
    let running: RunningJob
    private var ownLogger: Logger?

    init(_ running: RunningJob) { self.running = running }

    /// The envelope: action, arguments, id, meta, codec.
    public var job: Job { running.job }
    public var queue: QueueName { running.end.run.queue }
    public var level: Level { running.claim.level }
    /// Which attempt this is, from 1.
    public var attempt: Int { running.rules.attempt }
    /// Carries queue, level, action and job id. Made anew each time: keep it where a handler logs much.
    public var logger: Logger {
        get { ownLogger ?? running.logger }
        set { ownLogger = newValue }
    }

    /// Whether lines of this level are written.
    func logs(_ level: Logger.Level) -> Bool { (ownLogger ?? running.end.run.logger).logLevel <= level }

    /// The worker's shared connection, for the session.
    var redis: RedisClient { running.end.redis }

    /// The raw arguments, for handlers without fixed types.
    public var args: Node { running.job.args }

    /// Whether the handler should stop: its job was cancelled, took longer than it may, or is not this worker's any more. The same as
    /// `Task.isCancelled` in the handler's task; what waits there throws `CancellationError` by itself.
    public var isCancelled: Bool { Task.isCancelled }

    /// To be thrown by a handler whose job is to be tried again later, also when its policy would end it here.
    ///
    /// Without a delay it waits as its policy says.
    public func retry(after delay: Duration? = nil, because reason: String = "the handler asked for another attempt") -> JobRetry
    {
        JobRetry(after: delay, reason: reason)
    }

    /// Sends an answer that is not the last: the caller gets it at once, as the next element of its stream.
    ///
    /// Returns when Redis has it; where the job has credits, first waits until its caller has use for it. Without a caller (`respond_to` is null) nothing is sent. Throws `CancellationError` when the job is
    /// no longer this worker's, ``RedisError`` when Redis stays away, and an encoding error when the value does not fit the codec.
    public func send(_ value: some Encodable) async throws {
        var buffer = TokenBuffer()
        try buffer.record(value)
        try await running.send(buffer)
    }
}

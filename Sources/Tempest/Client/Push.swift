// From arguments to a job in a level's list: the beginning of a job's life.

import Instrumentation
public import TempestCodecs
public import TempestProtocol
import TempestRedis
import Tracing

extension TempestClient {
    /// Pushes a job that nobody waits for; returns its id once Redis has it.
    ///
    /// Throws ``RedisError``: with `.connectionLost` the job may or may not be in the queue, with others it is not. Throws
    /// ``NameError`` for a queue or action that is not allowed, and an encoding error for arguments that the codec cannot write.
    @discardableResult
    public func push<each Argument: Encodable>(
        _ action: String, _ arguments: repeat each Argument, queue: String? = nil, level: Level = .default,
        codec: (any Codec)? = nil
    ) async throws -> JobID {
        var args = TokenBuffer()
        var count = 0
        for argument in repeat each arguments {
            try args.record(argument)
            count += 1
        }
        let job = JobRequest(action, args: args, count: count)
        try await push([job], queue: queue, level: level, codec: codec)
        return job.id
    }

    /// Pushes many jobs in few commands, in their order; returns once Redis has all of them.
    ///
    /// When it throws, some of the first may be in the queue.
    public func push(
        _ jobs: [JobRequest], queue: String? = nil, level: Level = .default, codec: (any Codec)? = nil
    ) async throws {
        let queue = try QueueName(queue ?? options.queue)
        let codec = codec ?? options.codec
        var batch: [RedisArgument] = []
        var (bytes, commands) = (0, [RedisCommand]())
        let key = RedisArgument(Keys.level(queue, level))
        for job in jobs {
            let payload = try payload(job, respondTo: nil, codec: codec)
            batch.append(.init(payload))
            bytes += payload.count
            if batch.count == FunctionLibrary.largestBatch || bytes >= FunctionLibrary.moveBytes {
                commands.append(RedisCommand(["RPUSH", key] + batch))
                (batch, bytes) = ([], 0)
            }
        }
        if !batch.isEmpty { commands.append(RedisCommand(["RPUSH", key] + batch)) }
        if commands.count == 1 {
            _ = try await redis.execute(commands[0])
        } else if !commands.isEmpty {
            for result in try await redis.execute(commands) { _ = try result.get() }
        }
        counters.add(jobs.count, to: MetricName.pushed, ["queue": queue.description])
    }

    /// A job's bytes, with the trace of the caller if there is one.
    func payload(_ job: JobRequest, respondTo inbox: InboxID?, codec: any Codec) throws -> [UInt8] {
        var meta = ValueMap()
        if let context = ServiceContext.current {
            InstrumentationSystem.instrument.inject(context, into: &meta, using: TraceCarrier())
        }
        let draft = try JobDraft(
            action: job.action, args: job.args, count: job.count, respondTo: inbox, id: job.id, meta: meta)
        return try codec.encode(draft, limits: options.limits)
    }
}

/// A job to be pushed: an action and its arguments, not yet in any codec.
public struct JobRequest: Sendable {
    public let action: String
    public let id: JobID
    let args: TokenBuffer
    let count: Int

    init(_ action: String, args: TokenBuffer, count: Int) {
        (self.action, self.args, self.count) = (action, args, count)
        self.id = .random()
    }

    /// Throws an encoding error for an argument that has no form in any codec.
    public init<each Argument: Encodable>(_ action: String, _ arguments: repeat each Argument) throws {
        var args = TokenBuffer()
        var count = 0
        for argument in repeat each arguments {
            try args.record(argument)
            count += 1
        }
        self.init(action, args: args, count: count)
    }
}

extension JobRequest {
    /// A job whose arguments are values already.
    public init(_ action: String, values: [Value]) throws(CodecError) {
        var args = TokenBuffer()
        for value in values { try value.write(to: &args) }
        self.init(action, args: args, count: values.count)
    }
}

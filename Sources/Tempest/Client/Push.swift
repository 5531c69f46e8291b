// From arguments to a job in a level's list: the beginning of a job's life.

import Instrumentation
public import TempestCodecs
public import TempestProtocol
import TempestRedis
import Tracing

extension TempestClient {
    /// Pushes a job that nobody waits for; returns its id once Redis has it.
    ///
    /// With `after` or `at` it is not begun before that much time has passed, or that instant has come, by Redis' clock; a time in the
    /// past is now. Workers begin it within 50 ms of its time if one is free.
    ///
    /// Throws ``RedisError``: with `.connectionLost` the job may or may not be in the queue, with others it is not. Throws
    /// ``NameError`` for a queue or action that is not allowed, ``RouteError`` for a route that is not, and an encoding error for arguments that the codec cannot write.
    @discardableResult
    public func push<each Argument: Encodable>(
        _ action: String, _ arguments: repeat each Argument, queue: String? = nil, level: Level = .default,
        after: Duration? = nil, at: JobTime? = nil, codec: (any Codec)? = nil, options: JobOptions = JobOptions(),
        route: Route = []
    ) async throws -> JobID {
        let job = try JobRequest(action, repeat each arguments)
        try await push([job], queue: queue, level: level, after: after, at: at, codec: codec, options: options, route: route)
        return job.id
    }

    /// Pushes many jobs in few commands, in their order; returns once Redis has all of them.
    ///
    /// When it throws, some of the first may be in the queue; none of less than 16 MiB when a job cannot be written.
    public func push(
        _ jobs: [JobRequest], queue: String? = nil, level: Level = .default, after: Duration? = nil, at: JobTime? = nil,
        codec: (any Codec)? = nil, options: JobOptions = JobOptions(), route: Route = []
    ) async throws {
        let queue = try QueueName(queue ?? self.options.queue)
        let codec = codec ?? self.options.codec
        let steps = try route.meta()
        let now = options.needsClock ? try await serverTime() : nil
        if jobs.count == 1, after == nil, at == nil {
            let payload = try payload(jobs[0], respondTo: nil, codec: codec) { meta in
                options.write(to: &meta, now: now)
                meta["route"] = steps
            }
            try await pushes.push(Keys.level(queue, level), payload)
            counters.add(to: MetricName.pushed, ["queue": queue.description])
            return
        }
        let start: RedisCommand
        if let due = Self.due(after: after, at: at) {
            start = .fcall(FunctionLibrary.delay, key: queue.description, [.init(due), .init(level.description)])
        } else {
            start = ["RPUSH", .init(Keys.level(queue, level))]
        }
        let isDelayed = after != nil || at != nil
        var batch: [RedisArgument] = []
        var (bytes, commands) = (0, [RedisCommand]())
        for job in jobs {
            let payload = try payload(job, respondTo: nil, codec: codec) { meta in
                options.write(to: &meta, now: now)
                meta["route"] = steps
            }
            batch.append(.init(payload))
            bytes += payload.count
            if batch.count == FunctionLibrary.largestBatch || bytes >= FunctionLibrary.moveBytes {
                commands.append(start.appending(batch))
                (batch, bytes) = ([], 0)
            }
            // Of very many the first go while the others are not written yet: not all of them at once in memory, nor the last of them
            // out of time before Redis has read those in front of it.
            if commands.count == Self.mostCommands {
                try await send(commands, isDelayed: isDelayed)
                commands = []
            }
        }
        if !batch.isEmpty { commands.append(start.appending(batch)) }
        try await send(commands, isDelayed: isDelayed)
        counters.add(jobs.count, to: MetricName.pushed, ["queue": queue.description])
    }

    /// Each of up to a megabyte, or one job.
    private static let mostCommands = 16

    private func send(_ commands: [RedisCommand], isDelayed: Bool) async throws(RedisError) {
        if isDelayed {
            for command in commands { _ = try await FunctionLoader.call(command, on: redis) }
        } else if commands.count == 1 {
            _ = try await redis.execute(commands[0])
        } else if !commands.isEmpty {
            for result in try await redis.execute(commands) { _ = try result.get() }
        }
    }

    /// As `delay` takes it: `+<milliseconds>` from now, or milliseconds since 1970.
    private static func due(after: Duration?, at: JobTime?) -> String? {
        if let at { return "\(max(0, at.milliseconds))" }
        return after.map { "+\(min(max(0, $0.nanoseconds / 1_000_000), 1 << 51))" }
    }

    /// A job's bytes, with the trace of the caller if there is one.
    func payload(
        _ job: JobRequest, respondTo inbox: InboxID?, codec: any Codec, rules: (inout ValueMap) -> Void
    ) throws -> [UInt8] {
        var meta = ValueMap()
        rules(&meta)
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

// Takes an answer on along its job's route: pushes what follows, or gathers the answers of several steps at once (protocol/routes.md). Before
// it: a handler's reply. After it: settle, and the next worker.

import NIOCore
import TempestCodecs
import TempestProtocol
import TempestRedis

struct RouteFollower: Sendable {
    let redis: RedisClient
    let run: JobRun
    /// Whether the job is still this worker's.
    let isHeld: @Sendable () -> Bool

    enum End {
        /// What follows is in Redis, or is another's to push: only the claim is left to be ended.
        case parted
        /// The job that follows, in the same queue: it is pushed by the call that ends the claim.
        case next(Level, payload: [UInt8])
        /// Nothing follows: this is the answer.
        case answer(HandlerReply)
        /// The route cannot go on; beside what its caller is told, what the log says.
        case failed(Failure, String)
        /// The claim is gone, or the worker stops: the job must not be settled.
        case lost
    }

    /// Returns when Redis has what follows. Doing it again, after a crash, does no harm but to run what follows again.
    func follow(_ journey: Journey, _ reply: HandlerReply) async -> End {
        do {
            return try await follow(onceMore: journey, reply)
        } catch let error as CodecError {
            return failed(Failure.badAnswer, "the answer cannot go on: \(error)", error)
        } catch let error as RouteError {
            return failed(Failure.badRoute, error.description, error)
        } catch let error as RedisError {
            return failed(Failure.badRoute, "the route cannot go on: \(error.code)", error)
        } catch {
            return .lost
        }
    }

    /// Says that one of several steps at once has failed. Whether it is the first, whose caller is to be told; true when nobody knows.
    func isFirstFailure(_ gather: Gather) async -> Bool {
        let reply = try? await FunctionLoader.call(Self.command(gather), on: redis)
        return reply?.integer != 0
    }

    private func follow(onceMore journey: Journey, _ reply: HandlerReply) async throws -> End {
        var (journey, reply) = (journey, reply)
        while let gather = journey.gather, !journey.hasSteps {
            let result = try journey.job.codec.encode(Arguments(reply: reply), limits: run.limits)
            let command = Self.command(gather).appending([.init(result)])
            let found = try await patiently { () throws(RedisError) in try await FunctionLoader.call(command, on: redis) }
            let results = (found.array ?? []).compactMap(\.bytes)
            // Another one is to come yet, or came last; or one has failed.
            guard !results.isEmpty else { return .parted }
            let (after, values) = try journey.gathered(results, codecs: run.codecs, limits: run.limits)
            journey = after
            var args = TokenBuffer()
            for value in values { try value.write(to: &args) }
            reply = HandlerReply(args, count: values.count)
        }
        guard journey.hasSteps else { return .answer(reply) }
        let jobs = try journey.onward(reply.args, count: reply.count, limits: run.limits)
        if jobs.count == 1, jobs[0].queue == run.queue { return .next(jobs[0].level, payload: jobs[0].payload) }
        for job in jobs {
            let push: RedisCommand = ["RPUSH", .init(Keys.level(job.queue, job.level)), .init(job.payload)]
            _ = try await patiently { () throws(RedisError) in try await redis.execute(push) }
        }
        return .parted
    }

    /// Until Redis has done it or refuses it for good. Throws `CancellationError` when the job is not ours any more.
    private func patiently(_ body: () async throws(RedisError) -> RedisReply) async throws -> RedisReply {
        var backoff = Backoff()
        while isHeld() {
            do throws(RedisError) {
                return try await body()
            } catch {
                guard JobEnd.passes(error) else { throw error }
            }
            try await Task.sleep(nanoseconds: UInt64(max(0, backoff.next().nanoseconds)))
        }
        throw CancellationError()
    }

    private func failed(_ code: String, _ message: String, _ error: any Error) -> End {
        .failed(Failure(code: code, message: message), "the route cannot go on: \(ErrorText.line(error))")
    }

    private static func command(_ gather: Gather) -> RedisCommand {
        .fcall(
            FunctionLibrary.gather, key: gather.queue.description,
            [.init(gather.id), .init(gather.index), .init(gather.count)])
    }
}

/// The args of an answer by themselves: what is gathered.
private struct Arguments: TokenWritable {
    let reply: HandlerReply

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: reply.count)
        try reply.args.write(to: &writer)
        try writer.endArray()
    }
}

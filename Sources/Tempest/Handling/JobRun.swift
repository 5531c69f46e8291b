// One claimed payload from bytes to outcome: read the envelope, find the handler, run it inside the middleware. Deciding ends here;
// applying the outcome is ClaimLedger's.

import Logging
import NIOCore
import TempestCodecs
import TempestProtocol

/// A payload in this process's run hash, and the name of the claim.
struct ClaimedJob: Sendable {
    var field: String
    var level: Level
    var payload: [UInt8]
    /// There were cancelled jobs in the queue when it was claimed: it is to be asked for before it runs.
    var mayBeCancelled = false
}

/// What became of a claimed payload, ready to be applied.
struct FinishedJob: Sendable {
    var outcome: Outcome
    /// nil when the bytes were no job.
    var job: Job?
    /// Of the last answer, when there were others before it.
    var closing: ValueMap = [:]
}

struct JobRun: Sendable {
    let queue: QueueName
    let process: ProcessName
    let handlers: [String: RegisteredHandler]
    let middleware: [any WorkerMiddleware]
    let codecs: CodecSet
    let limits: Limits
    let running: RunningJobs
    let clock: ServerClock
    /// Where time-outs are waited for.
    let eventLoop: any EventLoop
    let logger: Logger

    func run(
        _ claimed: ClaimedJob, push: @escaping @Sendable (Job, [UInt8]) async throws -> Bool,
        used: @escaping @Sendable (JobID) async -> Int?, isCancelled: (JobID) async -> Bool
    ) async -> FinishedJob {
        let job: Job
        do {
            job = try Job(claimed.payload, codecs: codecs, limits: limits)
        } catch {
            logger.warning(
                "a malformed job was recorded as dead",
                metadata: [
                    LogKey.level: "\(claimed.level)", LogKey.reason: "\(error.reason.rawValue)", LogKey.error: "\(error.detail)",
                ])
            return FinishedJob(outcome: .dead(reason: error.reason.rawValue, detail: error.detail, nil), job: nil)
        }
        guard let handler = handlers[job.action] else {
            let detail = "no handler for \(String(job.action.prefix(80)).debugDescription)"
            logger.warning(
                "a job of an unknown action was recorded as dead",
                metadata: [LogKey.job: "\(job.id)", LogKey.action: "\(job.action.debugDescription)"])
            let failure = Failure(code: Failure.unknownAction, message: detail)
            return FinishedJob(outcome: .dead(reason: Failure.unknownAction, detail: detail, failure), job: job)
        }
        let sender = AnswerSender(
            job: job, token: "\(process)/\(claimed.field)", codec: answerCodec(job),
            gauge: CreditGauge(job) { await used(job.id) }
        ) { bytes in try await push(job, bytes) }
        var logger = logger
        logger[metadataKey: LogKey.level] = "\(claimed.level)"
        logger[metadataKey: LogKey.action] = "\(job.action)"
        logger[metadataKey: LogKey.job] = "\(job.id)"
        let rules = JobRules(job.meta)
        if rules.deadline != nil || rules.expiresAt != nil, let now = clock.now, rules.isOver(at: now) {
            logger.info("a job came too late to be begun")
            let failure = Failure(code: Failure.expired, message: "the job had expired before a worker was free")
            return FinishedJob(outcome: .expired(rules.isUnanswerable(at: now) ? nil : failure), job: job)
        }
        if claimed.mayBeCancelled, await isCancelled(job.id) {
            logger.info("a job was cancelled before it was begun")
            return FinishedJob(outcome: .cancelled(job.id), job: job)
        }
        let context = JobContext(
            job: job, queue: queue, level: claimed.level, attempt: rules.attempt, logger: logger, answers: sender)
        let timeout = rules.timeout.map { TimeAmount.milliseconds($0) } ?? handler.timeout.map { .nanoseconds($0.nanoseconds) }
        let (end, stop) = await running.track(claimed.field, job, claimed.level, timeout: timeout, on: eventLoop) {
            () async -> HandlerEnd in await self.end(of: context, handler)
        }
        let outcome =
            end.map { decide($0, stop, context, rules, handler.retry) } ?? (stop == .cancelled ? .cancelled(job.id) : .released)
        return FinishedJob(outcome: outcome, job: job, closing: sender.closing)
    }

    /// How a handler ended.
    private enum HandlerEnd {
        case finished(HandlerReply)
        case failed(any Error)
    }

    private func end(of context: JobContext, _ handler: RegisteredHandler) async -> HandlerEnd {
        do {
            return .finished(try await MiddlewareChain(middleware[...], handler.body).run(context))
        } catch {
            return .failed(error)
        }
    }

    private func decide(
        _ end: HandlerEnd, _ stop: RunningJobs.Stop?, _ context: JobContext, _ rules: JobRules, _ policy: RetryPolicy
    ) -> Outcome {
        // What was done in spite of a cancellation or a time-out is done.
        guard case .failed(let error) = end else {
            guard case .finished(let reply) = end else { return .released }
            return .finished(reply)
        }
        switch stop {
        case .cancelled:
            context.logger.info("a running job was cancelled")
            return .cancelled(context.job.id)
        case .lost: return .released
        case .timeout:
            context.logger.error("a handler took longer than it may")
            return again(
                after: error, Failure(code: Failure.timeout, message: "the handler took longer than it may"), context, rules,
                policy)
        case nil: break
        }
        switch error {
        case is CancellationError where Task.isCancelled: return .released
        case let error as BadArguments:
            let failure = Failure(code: Failure.badArguments, message: error.message)
            return finally(failure, context)
        case let error as UnwritableAnswer:
            context.logger.error("a handler's answer could not be written", metadata: [LogKey.error: "\(error.message)"])
            return finally(Failure(code: Failure.badAnswer, message: error.message), context)
        case let error as HandlerError: return again(after: error, error.failure, context, rules, policy)
        case let error as JobRetry:
            let failure = Failure(code: Failure.handler, message: error.reason)
            var policy = policy
            policy.attempts = policy.attempts ?? RetryPolicy.attemptsWithoutCaller
            policy.retries = { _ in true }
            return again(after: error, failure, context, rules, policy, delay: max(0, error.delay.nanoseconds / 1_000_000))
        default:
            context.logger.error("a handler failed", metadata: [LogKey.error: "\(error)"])
            return again(
                after: error, Failure(code: Failure.handler, message: "the handler failed"), context, rules, policy)
        }
    }

    /// Another attempt, if the job has one left and the error is worth it.
    private func again(
        after error: any Error, _ failure: Failure, _ context: JobContext, _ rules: JobRules, _ policy: RetryPolicy,
        delay: Int64? = nil
    ) -> Outcome {
        let limit = policy.limit(rules, hasCaller: context.job.address != nil)
        guard rules.attempt < limit, policy.retries(error) else {
            return finally(failure, context, because: rules.attempt > 1 || limit > 1 ? "\(error)" : nil)
        }
        var random = SystemRandomNumberGenerator()
        let delay = min(delay ?? policy.delay(after: rules.attempt, rules, using: &random), JobRules.longest)
        do {
            let payload = try context.job.again(attempt: rules.attempt + 1, lastError: "\(error)", limits: limits)
            context.logger.info(
                "the job is tried again",
                metadata: [
                    LogKey.error: "\(error)", "attempt": "\(rules.attempt)", "attempts": "\(limit)", "delay_ms": "\(delay)",
                ])
            return .retry(after: delay, payload: payload)
        } catch {
            context.logger.error("a job cannot be written again for another attempt", metadata: [LogKey.error: "\(error)"])
            return finally(failure, context)
        }
    }

    /// The last failure of a job: its caller's answer, or, without one, the dead set, where an operator finds it.
    private func finally(_ failure: Failure, _ context: JobContext, because detail: String? = nil) -> Outcome {
        if context.job.address != nil { return .failed(failure) }
        let known = [Failure.badArguments, Failure.badAnswer]
        let reason = known.contains(failure.code) ? failure.code : "exhausted"
        let text = detail ?? (failure.code == Failure.handler ? failure.message : "\(failure.code): \(failure.message)")
        return .dead(reason: reason, detail: String(text.prefix(JobRules.longestError)), nil)
    }

    /// The job's codec, unless its caller names others that we know.
    func answerCodec(_ job: Job) -> any Codec {
        guard case .array(let names)? = job.meta["accept"] else { return job.codec }
        for case .text(let name) in names {
            if let codec = codecs.named(name) { return codec }
        }
        return job.codec
    }
}

/// What a handler returned does not fit the codec: answered as `bad_answer`.
struct UnwritableAnswer: Error {
    var message: String
}

// One claimed payload from bytes to outcome: read the envelope, find the handler, run it inside the middleware. Deciding ends here;
// applying the outcome is ClaimLedger's.

import Logging
import NIOCore
import TempestCodecs
import TempestProtocol
import TempestRedis

/// What became of a running job, ready to be applied.
struct FinishedJob: Sendable {
    var outcome: Outcome
    /// Of the last answer, when there were others before it.
    var closing: ValueMap = [:]
    /// Of a run that failed: what the log says of it.
    var failure: FailedRun?
}

/// A failed run in the words of the log.
struct FailedRun: Sendable {
    var attempts: Int
    /// On one line, cut.
    var text: String
    /// Nobody meant it for a caller: a fault of the handler's.
    var isFault = true
}

/// What all runs of one incarnation on one queue share.
final class JobRun: Sendable {
    let queue: QueueName
    let process: ProcessName
    let handlers: [String: RegisteredHandler]
    let middleware: [any WorkerMiddleware]
    let codecs: CodecSet
    let limits: Limits
    /// How long a job waits whose action has no handler here, in milliseconds.
    private let patience: Int64
    /// Actions that were named in the log as unknown, by this worker.
    let strangers: Strangers
    let running: RunningJobs
    let clock: ServerClock
    /// Where time-outs are waited for.
    let eventLoop: any EventLoop
    let logger: Logger
    /// For jobs whose callers listen themselves; nil: there are none.
    let direct: DirectSender?

    init(
        queue: QueueName, process: ProcessName, handlers: [String: RegisteredHandler], options: WorkerOptions,
        strangers: Strangers, running: RunningJobs, clock: ServerClock, eventLoop: any EventLoop, logger: Logger,
        direct: DirectSender?
    ) {
        (self.queue, self.process, self.handlers, self.running) = (queue, process, handlers, running)
        (self.middleware, self.codecs, self.limits) = (options.middleware.busy(logger), options.codecs, options.limits)
        self.strangers = strangers
        patience = max(0, min(options.unknownPatience.nanoseconds / 1_000_000, 86_400_000))
        (self.clock, self.eventLoop, self.logger, self.direct) = (clock, eventLoop, logger, direct)
    }

    /// What reading a payload came to.
    enum Begun {
        case running(RunningJob)
        /// It is over before it has begun. nil: the bytes were no job.
        case over(Job?, Outcome, Journey?)
    }

    /// Reads the envelope and finds the handler.
    func begin(_ claimed: ClaimedJob, end: JobEnd) -> Begun {
        let job: Job
        do {
            job = try readJob(claimed.payload)
        } catch {
            return .over(nil, .dead(reason: error.reason.rawValue, detail: error.detail, nil), nil)
        }
        let journey: Journey?
        do {
            journey = try Journey(job, queue: queue)
        } catch {
            let detail = error.description
            let failure = Failure(code: Failure.badRoute, message: detail)
            return .over(job, .dead(reason: Failure.badRoute, detail: detail, failure), nil)
        }
        let rules = JobRules(job.meta)
        // One that has waited in vain is dead, as what it is, also when its time is over by now.
        if !claimed.hasWaited, rules.deadline != nil || rules.expiresAt != nil, let now = clock.now, rules.isOver(at: now) {
            let failure = Failure(code: Failure.expired, message: "the job had expired before a worker was free")
            return .over(job, .expired(rules.isUnanswerable(at: now) ? nil : failure), journey)
        }
        guard let handler = handlers[job.action], !claimed.hasWaited else {
            return .over(job, unknown(job, claimed, rules), journey)
        }
        return .running(RunningJob(job, claimed, rules: rules, handler: handler, journey: journey, end: end))
    }

    /// Another process may have a handler, or come with one. A caller's job waits no longer than half of the time that is left, so that it
    /// still learns what was wrong.
    private func unknown(_ job: Job, _ claimed: ClaimedJob, _ rules: JobRules) -> Outcome {
        var left = patience
        if let deadline = rules.deadline, let now = clock.now { left = min(left, (deadline - now) / 2) }
        if !claimed.hasWaited, left > 0 { return .unknown(action: job.action, patience: left) }
        let detail = "no worker has a handler for \(String(job.action.prefix(80)).debugDescription)"
        return .dead(
            reason: Failure.unknownAction, detail: detail, Failure(code: Failure.unknownAction, message: detail))
    }

    /// Runs the handler inside the middleware.
    func run(_ job: RunningJob) async -> FinishedJob {
        if job.mayBeCancelled, await job.end.wasCancelled(job.job.id) { return FinishedJob(outcome: .cancelled(job.job.id)) }
        if let stop = running.begin(job) {
            return FinishedJob(outcome: stop == .cancelled ? .cancelled(job.job.id) : .released)
        }
        let timeout =
            job.rules.timeout.map { TimeAmount.milliseconds($0) }
            ?? job.handler.timeout.map { .nanoseconds(min($0.nanoseconds, JobRules.longest * 1_000_000)) }
        let alarm = timeout.map { running.stop(job, after: $0, on: eventLoop) }
        let context = JobContext(job)
        let start = ContinuousClock.now
        let end = await end(of: context)
        job.handler.pace.note(.now - start)
        alarm?.cancel()
        var finished = decide(end, running.end(job), context)
        // What its handler has done until then nobody knows.
        if case .released = finished.outcome, job.rules.once { finished.outcome = .interrupted }
        finished.closing = job.closing
        return finished
    }

    private func readJob(_ payload: [UInt8]) throws(Malformed) -> Job {
        guard let rule = direct?.rule else { return try Job(payload, codecs: codecs, limits: limits) }
        return try Job(payload, codecs: codecs, limits: limits, readsSingle: true) {
            rule.refusal(host: $0, port: $1, action: $2)
        }
    }

    /// How a handler ended.
    private enum HandlerEnd {
        case finished(HandlerReply)
        case failed(any Error)
    }

    private func end(of context: JobContext) async -> HandlerEnd {
        let body = context.running.handler.body
        do {
            // Most workers have no middleware.
            if middleware.isEmpty { return .finished(try await body(context)) }
            return .finished(try await MiddlewareChain(middleware[...], body).run(context))
        } catch {
            return .failed(error)
        }
    }

    private func decide(_ end: HandlerEnd, _ stop: RunningJob.Stop?, _ context: JobContext) -> FinishedJob {
        // What was done in spite of a cancellation or a time-out is done.
        let error: any Error
        switch end {
        case .finished(let reply): return FinishedJob(outcome: .finished(reply))
        case .failed(let failure): error = failure
        }
        let policy = context.running.handler.retry
        switch stop {
        case .cancelled:
            return FinishedJob(outcome: .cancelled(context.job.id))
        case .lost: return FinishedJob(outcome: .released)
        case .timeout:
            return again(
                after: error, Failure(code: Failure.timeout, message: "the handler took longer than it may"), context, policy)
        case nil: break
        }
        switch error {
        case is CancellationError where Task.isCancelled: return FinishedJob(outcome: .released)
        case let error as BadArguments:
            let failure = Failure(code: Failure.badArguments, message: error.message)
            return finally(failure, context, because: error.message)
        // Where nobody waits, nobody misses it.
        case is UnwritableAnswer where context.job.address == nil && context.running.journey == nil:
            return FinishedJob(outcome: .finished(.nothing))
        case let error as UnwritableAnswer:
            let failure = Failure(code: Failure.badAnswer, message: error.message)
            return finally(failure, context, because: error.message, isFault: true)
        case let error as HandlerError:
            let failure = error.failure
            if failure.code != error.code {
                context.logger.warning(
                    "a handler's error has a code that is kept for the protocol, or is not a word such as not_found: its caller is told handler",
                    metadata: [LogKey.code: "\(ErrorText.cut(error.code, most: 100))"])
            }
            guard failure.code != Failure.badArguments else { return finally(failure, context, because: failure.message) }
            return again(after: error, failure, context, policy, isFault: false)
        case let error as JobRetry:
            let failure = Failure(code: Failure.handler, message: error.reason)
            var policy = policy
            policy.attempts = policy.attempts ?? RetryPolicy.attemptsWithoutCaller
            policy.retries = { _ in true }
            return again(
                after: error, failure, context, policy, delay: error.delay.map { max(0, $0.milliseconds) }, isFault: false)
        default:
            let failure = Failure(code: Failure.handler, message: "the handler failed")
            // What was not raised for the caller is for those who look after the queue.
            return again(after: error, failure, context, policy, text: ErrorText.line(error, most: JobRules.longestError))
        }
    }

    /// Another attempt, if the job has one left and the error is worth it.
    private func again(
        after error: any Error, _ failure: Failure, _ context: JobContext, _ policy: RetryPolicy, delay: Int64? = nil,
        text: String? = nil, isFault: Bool = true
    ) -> FinishedJob {
        let rules = context.running.rules
        let limit = policy.limit(rules, hasCaller: context.job.address != nil)
        let text = text ?? ErrorText.cut("\(failure.code): \(failure.message)", most: JobRules.longestError)
        let run = FailedRun(attempts: limit, text: text, isFault: isFault)
        guard rules.attempt < limit, policy.retries(error) else { return finally(failure, context, because: text, run) }
        var random = SystemRandomNumberGenerator()
        let delay = min(delay ?? policy.delay(after: rules.attempt, rules, using: &random), JobRules.longest)
        // Its caller would have stopped waiting: it is told now.
        if let deadline = rules.deadline, let now = clock.now, now + delay > deadline {
            return finally(failure, context, because: text, run)
        }
        do {
            let payload = try context.job.again(attempt: rules.attempt + 1, lastError: text, limits: limits)
            return FinishedJob(outcome: .retry(after: delay, payload: payload), failure: run)
        } catch {
            let why = "\(text) (it cannot be written for another attempt: \(error))"
            return finally(failure, context, because: text, FailedRun(attempts: limit, text: why))
        }
    }

    /// The last failure of a job: its caller's answer, or, without one, the dead set, where an operator finds it.
    private func finally(
        _ failure: Failure, _ context: JobContext, because detail: String, _ run: FailedRun? = nil, isFault: Bool = false
    ) -> FinishedJob {
        let run =
            run
            ?? FailedRun(
                attempts: policyLimit(context), text: ErrorText.cut("\(failure.code): \(failure.message)"), isFault: isFault)
        if context.job.address != nil { return FinishedJob(outcome: .failed(failure), failure: run) }
        let known = [Failure.badArguments, Failure.badAnswer]
        let reason = known.contains(failure.code) ? failure.code : "exhausted"
        return FinishedJob(outcome: .dead(reason: reason, detail: detail, nil), failure: run)
    }

    private func policyLimit(_ context: JobContext) -> Int {
        context.running.handler.retry.limit(context.running.rules, hasCaller: context.job.address != nil)
    }

}

/// What a handler returned does not fit the codec: answered as `bad_answer`.
struct UnwritableAnswer: Error {
    var message: String
}

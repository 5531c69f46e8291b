// One claimed payload from bytes to outcome: read the envelope, find the handler, run it inside the middleware. Deciding ends here;
// applying the outcome is ClaimLedger's.

import Logging
import TempestCodecs
import TempestProtocol

/// A payload in this process's run hash, and the name of the claim.
struct ClaimedJob: Sendable {
    var field: String
    var level: Level
    var payload: [UInt8]
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
    let handlers: [String: Handler]
    let middleware: [any WorkerMiddleware]
    let codecs: CodecSet
    let limits: Limits
    let logger: Logger

    func run(_ claimed: ClaimedJob, push: @escaping @Sendable (Job, [UInt8]) async throws -> Bool) async -> FinishedJob {
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
        let sender = AnswerSender(job: job, token: "\(process)/\(claimed.field)", codec: answerCodec(job)) { bytes in
            try await push(job, bytes)
        }
        var logger = logger
        logger[metadataKey: LogKey.level] = "\(claimed.level)"
        logger[metadataKey: LogKey.action] = "\(job.action)"
        logger[metadataKey: LogKey.job] = "\(job.id)"
        let context = JobContext(job: job, queue: queue, level: claimed.level, logger: logger, answers: sender)
        let outcome = await decide(context, handler)
        return FinishedJob(outcome: outcome, job: job, closing: sender.closing)
    }

    private func decide(_ context: JobContext, _ handler: @escaping Handler) async -> Outcome {
        do {
            return .finished(try await MiddlewareChain(middleware[...], handler).run(context))
        } catch let error as HandlerError {
            return .failed(error.failure)
        } catch let error as BadArguments {
            return .failed(Failure(code: Failure.badArguments, message: error.message))
        } catch is CancellationError where Task.isCancelled {
            return .released
        } catch let error as UnwritableAnswer {
            context.logger.error("a handler's answer could not be written", metadata: [LogKey.error: "\(error.message)"])
            return .failed(Failure(code: Failure.badAnswer, message: error.message))
        } catch {
            context.logger.error("a handler failed", metadata: [LogKey.error: "\(error)"])
            return .failed(Failure(code: Failure.handler, message: "the handler failed"))
        }
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

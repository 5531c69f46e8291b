// What the log says of a job that has ended, or is run again: one line an end, none for what went well (docs/logs.md).

import Logging
import TempestProtocol

extension JobEnd {
    /// The line of an outcome that is about to be settled. `job` is nil for bytes that are no job.
    func log(_ finished: FinishedJob, _ job: Job?, _ claim: Claim) {
        switch finished.outcome {
        case .finished, .next, .released, .unknown: return
        case .retry(let delay, _):
            guard run.logger.logLevel <= .warning else { return }
            var metadata = fields(job, claim, finished.failure)
            metadata[LogKey.delay] = "\(delay)"
            run.logger.warning("a job failed and is tried again", metadata: metadata)
        case .failed(let failure):
            let isFault = finished.failure?.isFault ?? (failure.code == Failure.badAnswer)
            let level: Logger.Level = isFault ? .error : .info
            guard run.logger.logLevel <= level else { return }
            var metadata = fields(job, claim, finished.failure)
            metadata[LogKey.code] = "\(failure.code)"
            metadata[LogKey.error] = metadata[LogKey.error] ?? "\(ErrorText.cut("\(failure.code): \(failure.message)"))"
            run.logger.log(level: level, "a job failed and its caller is told", metadata: metadata)
        case .dead(let reason, let detail, _):
            var metadata = fields(job, claim, finished.failure)
            metadata[LogKey.reason] = "\(reason)"
            metadata[LogKey.error] = metadata[LogKey.error] ?? "\(ErrorText.cut(detail))"
            run.logger.error("a job is dead", metadata: metadata)
        case .expired: run.logger.info("a job came too late and is not run", metadata: fields(job, claim, nil))
        case .cancelled: run.logger.info("a job was cancelled", metadata: fields(job, claim, nil))
        }
    }

    /// Two programs may share the queue: then it is so all the time, and an action is named once.
    func logUnknown(_ job: Job, _ claim: Claim, _ outcome: Outcome) {
        guard case .unknown(_, let patience) = outcome else { return }
        let level: Logger.Level = run.strangers.isNew(job.action) ? .warning : .debug
        guard run.logger.logLevel <= level else { return }
        var metadata = fields(job, claim, nil)
        metadata[LogKey.patience] = "\(patience)"
        run.logger.log(
            level: level, "no handler here for a job's action: it waits for a worker that has one", metadata: metadata)
    }

    /// Whoever pushes chooses action and id: both are cut.
    private func fields(_ job: Job?, _ claim: Claim, _ failure: FailedRun?) -> Logger.Metadata {
        var metadata: Logger.Metadata = [LogKey.level: "\(claim.level)"]
        if let job {
            metadata[LogKey.action] = "\(ErrorText.cut(job.action, most: 100))"
            metadata[LogKey.job] = "\(ErrorText.cut("\(job.id)", most: 100))"
            // A route that fails is no run.
            if let failure, failure.attempts > 0 {
                metadata[LogKey.attempt] = "\(JobRules(job.meta).attempt)"
                metadata[LogKey.attempts] = "\(failure.attempts)"
            }
        }
        if let failure { metadata[LogKey.error] = "\(failure.text)" }
        return metadata
    }
}

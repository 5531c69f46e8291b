// A job from the look-up of its handler to its end: what its handler may reach through a JobContext, and others by its claim. One object
// for all of it, because there is one a job. Before it: an envelope. After it: its outcome.

import Logging
import Synchronization
import TempestCodecs
import TempestProtocol

final class RunningJob: Sendable {
    /// Why a handler was told to stop before its time.
    enum Stop {
        /// Somebody cancelled the job.
        case cancelled
        /// Its run took longer than it may.
        case timeout
        /// The job is not this worker's any more.
        case lost
    }

    private struct State: Sendable {
        /// Answers sent that are not the last.
        var sent = 0
        var stop: Stop?
        /// The handler's task as others may cancel it: taken away before the task ends.
        nonisolated(unsafe) var task: UnsafeCurrentTask?
    }

    let job: Job
    let claim: Claim
    let rules: JobRules
    let handler: RegisteredHandler
    /// Its answer goes on along this route: nobody waits for parts of it.
    let journey: Journey?
    /// There were cancelled jobs in the queue when it was claimed.
    let mayBeCancelled: Bool
    let end: JobEnd
    /// By this process's wall clock, for people: milliseconds since 1970.
    let started = WallClock.milliseconds()
    private let gauge: CreditGauge?
    private let state = Mutex(State())

    init(
        _ job: Job, _ claimed: ClaimedJob, rules: JobRules, handler: RegisteredHandler, journey: Journey?, end: JobEnd
    ) {
        (self.job, self.claim, self.rules, self.handler) = (job, claimed.claim, rules, handler)
        (self.journey, self.mayBeCancelled, self.end) = (journey, claimed.mayBeCancelled, end)
        // Most jobs send one answer, and have no use for a closure that holds them.
        gauge = job.meta.isEmpty ? nil : CreditGauge(job) { await end.used(job) }
    }

    /// What logs of this job carry. Made when it is asked for: most jobs log nothing.
    var logger: Logger {
        var logger = end.run.logger
        logger[metadataKey: LogKey.level] = "\(claim.level)"
        logger[metadataKey: LogKey.action] = "\(job.action)"
        logger[metadataKey: LogKey.job] = "\(job.id)"
        return logger
    }

    // MARK: Stopping

    /// A task of a group has no handle by which it alone could be cancelled; one beside it for each job would cost as much again.
    func begin(_ task: UnsafeCurrentTask) { state.withLock { $0.task = task } }

    /// The task may end from now on; returns why it was told to stop, if it was.
    func finish() -> Stop? {
        state.withLock { state in
            state.task = nil
            return state.stop
        }
    }

    /// Notes the first reason; false if there was one, or nothing runs any more.
    func note(_ stop: Stop) -> Bool {
        state.withLock { state in
            guard state.stop == nil, state.task != nil else { return false }
            state.stop = stop
            return true
        }
    }

    func cancel() { state.withLock { $0.task?.cancel() } }

    // MARK: Answers that are not the last (protocol/answers.md, "One answer, or several")

    private var token: String { "\(end.run.process)/\(claim)" }

    func send(_ value: TokenBuffer) async throws {
        guard job.address != nil, journey == nil else { return }
        try await gauge?.wait(for: state.withLock { $0.sent })
        let seq = state.withLock { state in
            defer { state.sent += 1 }
            return state.sent
        }
        let meta: ValueMap = ["more": true, "seq": .int(Int64(seq)), "token": .text(token)]
        let answer = AnswerDraft(action: job.action, id: job.id, args: value, count: 1, meta: meta)
        guard try await end.push(job.answerCodec(of: end.run.codecs).encode(answer), of: self) else { throw CancellationError() }
    }

    /// What the last answer must say besides its args: nothing, if it is the only one.
    var closing: ValueMap {
        let count = state.withLock { $0.sent }
        return count == 0 ? [:] : ["seq": .int(Int64(count)), "token": .text(token)]
    }
}

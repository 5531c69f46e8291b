// From outcome to settlement: encodes the last answer and hands it to the ledger. Between a job's run and Redis.

import Logging
import NIOCore
import TempestCodecs
import TempestProtocol
import TempestRedis

final class JobEnd: Sendable {
    let ledger: ClaimLedger
    let redis: RedisClient
    let run: JobRun

    init(ledger: ClaimLedger, redis: RedisClient, run: JobRun) {
        (self.ledger, self.redis, self.run) = (ledger, redis, run)
    }

    /// Puts a job aside for a worker that has a handler for its action; nobody is answered.
    func putAside(_ job: Job, _ claim: Claim, _ outcome: Outcome) {
        logUnknown(job, claim, outcome)
        submit(settlement(claim, outcome, inbox: nil, answer: [], action: "unknown"))
    }

    /// From the bytes on: for payloads that take long to read.
    func carryOut(_ claimed: ClaimedJob) async {
        switch run.begin(claimed, end: self) {
        case .running(let job):
            if job.rules.once, await !mark([job.claim]).contains(job.claim) { return }
            await carryOut(job)
        case .over(let job, let outcome, let journey): await over(job, outcome, journey, claimed)
        }
    }

    /// A job that was over before it had begun.
    func over(_ job: Job?, _ outcome: Outcome, _ journey: Journey?, _ claimed: ClaimedJob) async {
        guard let job else {
            log(FinishedJob(outcome: outcome), nil, claimed.claim)
            submit(settlement(claimed.claim, outcome, inbox: nil, answer: [], action: "unknown"))
            return
        }
        let action = run.handlers[job.action] == nil ? "unknown" : job.action
        var outcome = outcome
        if claimed.mayBeCancelled, !outcome.isBadRoute, await wasCancelled(job.id) { outcome = .cancelled(job.id) }
        await apply(FinishedJob(outcome: outcome), job, journey, claimed.claim, action)
    }

    func carryOut(_ job: RunningJob) async {
        let finished = await run.run(job)
        guard isHeld(job.claim) else { return }
        await apply(finished, job.job, job.journey, job.claim, job.job.action)
    }

    func apply(
        _ finished: FinishedJob, _ job: Job, _ journey: Journey?, _ claim: Claim, _ action: String
    ) async {
        var finished = finished
        if case .released = finished.outcome {
            // Its handler was not called, or it may be run again.
            await release(claim, unrun: true)
            return
        }
        if case .retry(_, let payload) = finished.outcome {
            log(finished, job, claim)
            submit(settlement(claim, finished.outcome, inbox: nil, answer: payload, action: action))
            return
        }
        if finished.outcome.isUnknown { return putAside(job, claim, finished.outcome) }
        if let journey, await !travel(journey, job, &finished, claim, action) { return }
        let answer: [UInt8]?
        (finished.outcome, answer) = lastAnswer(job, finished)
        var inbox: InboxID?
        switch job.address {
        case .inbox(let id): inbox = answer == nil ? nil : id
        case .elsewhere(let id, let queue):
            // Not in this queue's slot: the answer first, and then the settle; the caller drops what comes twice.
            if let answer, await !deliver(answer, id, queue, for: claim) { return await release(claim) }
        case .direct(let host, let port):
            if let answer, await !send(answer, of: job, host, port, for: claim) { return await release(claim) }
        case nil: break
        }
        log(finished, job, claim)
        let said = inbox == nil ? [] : answer ?? []
        submit(settlement(claim, finished.outcome, inbox: inbox, answer: said, action: action))
    }

    /// Goes on along the job's route. False when nobody is to be answered: the claim has been seen to.
    private func travel(
        _ journey: Journey, _ job: Job, _ finished: inout FinishedJob, _ claim: Claim, _ action: String
    ) async -> Bool {
        let follower = RouteFollower(redis: redis, run: run) { self.isHeld(claim) }
        if case .finished(let reply) = finished.outcome {
            switch await follower.follow(journey, reply) {
            case .answer(let reply):
                finished.outcome = .finished(reply)
                return true
            case .next(let level, let payload):
                submit(settlement(claim, .next(level, payload: payload), inbox: nil, answer: payload, action: action))
                return false
            case .parted:
                submit(settlement(claim, finished.outcome, inbox: nil, answer: [], action: action))
                return false
            case .lost:
                await release(claim)
                return false
            case .failed(let failure, let text):
                finished.outcome =
                    job.address == nil ? .dead(reason: failure.code, detail: failure.message, nil) : .failed(failure)
                finished.failure = FailedRun(attempts: 0, text: text)
            }
        }
        guard let gather = journey.gather, await !follower.isFirstFailure(gather) else { return true }
        log(finished, job, claim)
        submit(settlement(claim, finished.outcome, inbox: nil, answer: [], action: action))
        return false
    }

    func isHeld(_ claim: Claim) -> Bool { ledger.holds(claim, by: run.process) }

    private func submit(_ settlement: Settlement) { ledger.submit(settlement, by: run.process) }

    /// Asked only while there are cancelled jobs at all. Without an answer the job runs: a cancellation is a wish, a job is a promise.
    func wasCancelled(_ job: JobID) async -> Bool {
        guard let connection = ledger.connection(of: run.process) else { return false }
        let reply = try? await connection.execute(
            .fcall(FunctionLibrary.cancelled, key: run.queue.description, [.init("\(job)")]))
        return reply?.array?.first?.integer == 1
    }

    /// How many answers of the job its caller has used; nil without an answer.
    func used(_ job: Job) async -> Int? {
        guard let connection = ledger.connection(of: run.process) else { return nil }
        // They are counted where the caller's inbox is.
        var queue = run.queue
        if case .elsewhere(_, let home) = job.address { queue = home }
        let reply = try? await connection.execute(
            .fcall(FunctionLibrary.credits, key: queue.description, [.init("\(job.id)")]))
        return reply?.integer.map { Int($0) }
    }

    /// The outcome as it is recorded, and the bytes of the answer if somebody waits for one.
    private func lastAnswer(_ job: Job, _ finished: FinishedJob) -> (Outcome, [UInt8]?) {
        guard job.address != nil else { return (finished.outcome, nil) }
        let codec = job.answerCodec(of: run.codecs)
        var draft: AnswerDraft
        switch finished.outcome {
        case .finished(let reply):
            draft = AnswerDraft(
                action: job.action, id: job.answerID, args: reply.args, count: reply.count, meta: finished.closing)
        case .failed(let failure), .dead(_, _, .some(let failure)), .expired(.some(let failure)):
            draft = AnswerDraft(action: job.action, id: job.answerID, error: failure, meta: finished.closing)
        case .cancelled:
            let failure = Failure(code: Failure.cancelled, message: "the job was cancelled")
            draft = AnswerDraft(action: job.action, id: job.answerID, error: failure, meta: finished.closing)
        case .dead(_, _, nil), .released, .retry, .unknown, .next, .expired(nil):
            return (finished.outcome, nil)
        }
        do {
            return (finished.outcome, try codec.encode(draft))
        } catch {
            // An error is told all the same, without its details.
            if draft.leaveOutDetails(), let answer = try? codec.encode(draft) { return (finished.outcome, answer) }
            let failure = Failure(code: Failure.badAnswer, message: "\(error)")
            let substitute = AnswerDraft(action: job.action, id: job.answerID, error: failure, meta: finished.closing)
            return (.failed(failure), try? codec.encode(substitute))
        }
    }

    private func settlement(
        _ claim: Claim, _ outcome: Outcome, inbox: InboxID?, answer: [UInt8], action: String
    ) -> Settlement {
        Settlement(
            claim: claim, outcome: outcome.word, inbox: inbox?.description ?? "", answer: answer, action: action,
            name: outcome.name)
    }

    /// A part of the answer, before the last. Repeated after a lost connection: the caller drops a number that it has seen.
    func push(_ bytes: [UInt8], of running: RunningJob) async throws -> Bool {
        let (job, claim) = (running.job, running.claim)
        if case .elsewhere(let inbox, let queue) = job.address {
            return await deliver(bytes, inbox, queue, for: claim)
        }
        if case .direct(let host, let port) = job.address {
            return await send(bytes, of: job, host, port, for: claim)
        }
        guard case .inbox(let inbox) = job.address else { return true }
        var backoff = Backoff()
        while true {
            guard isHeld(claim) else { return false }
            do {
                guard let connection = ledger.connection(of: run.process) else {
                    throw RedisError(.connectionLost, "no connection to Redis")
                }
                let command = RedisCommand.fcall(
                    FunctionLibrary.chunk, key: run.queue.description,
                    [.init(run.process.description), .init(claim.description), .init(inbox.description), .init(bytes)])
                return try await connection.execute(command).integer ?? 0 != 0
            } catch let error as RedisError
                where error.code == .connectionLost || error.code == .timedOut || error.code == .closed
            {
                try await Task.sleep(nanoseconds: UInt64(max(0, backoff.next().nanoseconds)))
            }
        }
    }

    /// An interrupted job that is still ours goes back to the head of its level. One that was marked as begun does only if its handler was
    /// not called: otherwise it stays in the run hash, and ends as interrupted with this process.
    private func release(_ claim: Claim, unrun: Bool = false) async {
        // Without a connection it is found in the run hash once there is one.
        if let connection = ledger.connection(of: run.process), isHeld(claim) {
            _ = try? await connection.execute(
                .fcall(
                    FunctionLibrary.giveback, key: run.queue.description,
                    [.init(run.process.description), .init("\(unrun ? "~" : "")\(claim)")]))
        }
        ledger.abandon(claim, by: run.process)
    }

    /// Pushes to an inbox of another queue, until Redis has it or refuses it for good. False when the claim is gone or the job was
    /// interrupted: then the job must not be settled.
    private func deliver(_ answer: [UInt8], _ inbox: InboxID, _ queue: QueueName, for claim: Claim) async -> Bool {
        let key = Keys.inbox(queue, inbox)
        var backoff = Backoff()
        while isHeld(claim) {
            do {
                _ = try await redis.execute(["RPUSH", .init(key), .init(answer)])
                await expire(key, inbox, queue)
                return true
            } catch  where Self.passes(error) {
                guard (try? await Task.sleep(nanoseconds: UInt64(max(0, backoff.next().nanoseconds)))) != nil else {
                    return false
                }
            } catch {
                run.logger.warning(
                    "an answer could not be delivered and is dropped",
                    metadata: [LogKey.claim: "\(claim)", "inbox": "\(inbox)@\(queue)", LogKey.error: "\(error)"])
                return true
            }
        }
        return false
    }

    /// Sends to a node that listens itself, until it has the answer, does not want it, or stays away. False as with `deliver`.
    private func send(_ bytes: [UInt8], of job: Job, _ host: String, _ port: Int, for claim: Claim) async -> Bool {
        guard let direct = run.direct, let answer = try? Answer(bytes, codecs: run.codecs, limits: run.limits) else {
            return true
        }
        let end = await direct.send(
            answer, of: job, host: host, port: port, isHeld: { self.isHeld(claim) }, logger: run.logger)
        return end == .over
    }

    private func expire(_ key: String, _ inbox: InboxID, _ queue: QueueName) async {
        let registered = try? await redis.execute(["HEXISTS", .init(Keys.inboxes(queue)), .init(inbox.description)])
        if registered?.integer == 0 {
            _ = try? await redis.execute(["EXPIRE", .init(key), .init(FunctionLibrary.orphanSeconds)])
        }
    }

    /// Whether trying again later may help.
    static func passes(_ error: RedisError) -> Bool {
        let passing: [RedisError.Code] = [
            .connectionLost, .timedOut, .closed, .refused, .unreachable, .memory, .loading, .readOnly, .noFunction,
            // Somebody exchanges the password or the certificate, and is half-way.
            .authentication, .tls, .clients,
        ]
        return passing.contains(error.code)
    }
}

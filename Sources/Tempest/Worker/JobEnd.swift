// From outcome to settlement: encodes the last answer and hands it to the ledger. Between a job's run and Redis.

import Logging
import NIOCore
import TempestCodecs
import TempestProtocol
import TempestRedis

struct JobEnd: Sendable {
    let ledger: ClaimLedger
    let redis: RedisClient
    let run: JobRun

    func carryOut(_ claimed: ClaimedJob) async {
        let finished = await run.run(
            claimed, push: { job, bytes in try await push(bytes, of: job, claimed) }, used: { await used($0) },
            isCancelled: { await wasCancelled($0) })
        guard isHeld(claimed) else { return }
        guard let job = finished.job else {
            submit(settlement(claimed, finished.outcome, inbox: nil, answer: [], action: "unknown"))
            return
        }
        if case .released = finished.outcome {
            await release(claimed)
            return
        }
        if case .retry(_, let payload) = finished.outcome {
            submit(settlement(claimed, finished.outcome, inbox: nil, answer: payload, action: job.action))
            return
        }
        let (outcome, answer) = lastAnswer(job, finished)
        let known = run.handlers[job.action] == nil ? "unknown" : job.action
        switch job.address {
        case .inbox(let inbox):
            submit(settlement(claimed, outcome, inbox: answer == nil ? nil : inbox, answer: answer ?? [], action: known))
        case .elsewhere(let inbox, let queue):
            // Not in this queue's slot: the answer first, and then the settle; the caller drops what comes twice.
            if let answer, await !deliver(answer, inbox, queue, for: claimed) { return await release(claimed) }
            submit(settlement(claimed, outcome, inbox: nil, answer: [], action: known))
        case .direct, nil:
            submit(settlement(claimed, outcome, inbox: nil, answer: [], action: known))
        }
    }

    private func isHeld(_ claimed: ClaimedJob) -> Bool { ledger.holds(claimed.field, by: run.process) }

    private func submit(_ settlement: Settlement) { ledger.submit(settlement, by: run.process) }

    /// Asked only while there are cancelled jobs at all. Without an answer the job runs: a cancellation is a wish, a job is a promise.
    private func wasCancelled(_ job: JobID) async -> Bool {
        guard let connection = ledger.connection(of: run.process) else { return false }
        let reply = try? await connection.execute(
            .fcall(FunctionLibrary.cancelled, key: run.queue.description, [.init("\(job)")]))
        return reply?.array?.first?.integer == 1
    }

    /// How many answers of the job its caller has used; nil without an answer.
    private func used(_ job: JobID) async -> Int? {
        guard let connection = ledger.connection(of: run.process) else { return nil }
        let reply = try? await connection.execute(
            .fcall(FunctionLibrary.credits, key: run.queue.description, [.init("\(job)")]))
        return reply?.integer.map { Int($0) }
    }

    /// The outcome as it is recorded, and the bytes of the answer if somebody waits for one.
    private func lastAnswer(_ job: Job, _ finished: FinishedJob) -> (Outcome, [UInt8]?) {
        guard job.address != nil else { return (finished.outcome, nil) }
        let codec = run.answerCodec(job)
        let draft: AnswerDraft
        switch finished.outcome {
        case .finished(let reply):
            draft = AnswerDraft(action: job.action, id: job.id, args: reply.args, count: reply.count, meta: finished.closing)
        case .failed(let failure), .dead(_, _, .some(let failure)), .expired(.some(let failure)):
            draft = AnswerDraft(action: job.action, id: job.id, error: failure, meta: finished.closing)
        case .cancelled:
            let failure = Failure(code: Failure.cancelled, message: "the job was cancelled")
            draft = AnswerDraft(action: job.action, id: job.id, error: failure, meta: finished.closing)
        case .dead(_, _, nil), .released, .retry, .expired(nil):
            return (finished.outcome, nil)
        }
        do {
            return (finished.outcome, try codec.encode(draft))
        } catch {
            let failure = Failure(code: Failure.badAnswer, message: "\(error)")
            run.logger.error(
                "an answer could not be written",
                metadata: [LogKey.action: "\(job.action)", LogKey.job: "\(job.id)", LogKey.error: "\(error)"])
            let substitute = AnswerDraft(action: job.action, id: job.id, error: failure, meta: finished.closing)
            return (.failed(failure), try? codec.encode(substitute))
        }
    }

    private func settlement(
        _ claimed: ClaimedJob, _ outcome: Outcome, inbox: InboxID?, answer: [UInt8], action: String
    ) -> Settlement {
        return Settlement(
            field: claimed.field, outcome: outcome.word, inbox: inbox?.description ?? "", answer: answer, action: action,
            name: outcome.name)
    }

    /// A part of the answer, before the last. Repeated after a lost connection: the caller drops a number that it has seen.
    private func push(_ bytes: [UInt8], of job: Job, _ claimed: ClaimedJob) async throws -> Bool {
        if case .elsewhere(let inbox, let queue) = job.address {
            return await deliver(bytes, inbox, queue, for: claimed)
        }
        guard case .inbox(let inbox) = job.address else { return true }
        var backoff = Backoff()
        while true {
            guard isHeld(claimed) else { return false }
            do {
                guard let connection = ledger.connection(of: run.process) else {
                    throw RedisError(.connectionLost, "no connection to Redis")
                }
                let command = RedisCommand.fcall(
                    FunctionLibrary.chunk, key: run.queue.description,
                    [.init(run.process.description), .init(claimed.field), .init(inbox.description), .init(bytes)])
                return try await connection.execute(command).integer ?? 0 != 0
            } catch let error as RedisError
                where error.code == .connectionLost || error.code == .timedOut || error.code == .closed
            {
                try await Task.sleep(nanoseconds: UInt64(max(0, backoff.next().nanoseconds)))
            }
        }
    }

    /// An interrupted job that is still ours goes back to the head of its level.
    private func release(_ claimed: ClaimedJob) async {
        // Without a connection it is found in the run hash once there is one.
        if let connection = ledger.connection(of: run.process), isHeld(claimed) {
            _ = try? await connection.execute(
                .fcall(
                    FunctionLibrary.giveback, key: run.queue.description,
                    [.init(run.process.description), .init(claimed.field)]))
        }
        ledger.abandon(claimed.field, by: run.process)
    }

    /// Pushes to an inbox of another queue, until Redis has it or refuses it for good. False when the claim is gone or the job was
    /// interrupted: then the job must not be settled.
    private func deliver(_ answer: [UInt8], _ inbox: InboxID, _ queue: QueueName, for claimed: ClaimedJob) async -> Bool {
        let key = Keys.inbox(queue, inbox)
        var backoff = Backoff()
        while isHeld(claimed) {
            do {
                _ = try await redis.execute(["RPUSH", .init(key), .init(answer)])
                await expire(key, inbox, queue)
                return true
            } catch  where Self.passes(error) {
                guard (try? await Task.sleep(nanoseconds: UInt64(max(0, backoff.next().nanoseconds)))) != nil else {
                    return false
                }
            } catch {
                run.logger.warning("an answer was dropped", metadata: ["key": "\(key)", LogKey.error: "\(error)"])
                return true
            }
        }
        return false
    }

    private func expire(_ key: String, _ inbox: InboxID, _ queue: QueueName) async {
        let registered = try? await redis.execute(["HEXISTS", .init(Keys.inboxes(queue)), .init(inbox.description)])
        if registered?.integer == 0 {
            _ = try? await redis.execute(["EXPIRE", .init(key), .init(FunctionLibrary.orphanSeconds), "NX"])
        }
    }

    /// Whether trying again later may help.
    private static func passes(_ error: RedisError) -> Bool {
        let passing: [RedisError.Code] = [
            .connectionLost, .timedOut, .closed, .refused, .unreachable, .memory, .loading, .readOnly, .noFunction,
        ]
        return passing.contains(error.code)
    }
}

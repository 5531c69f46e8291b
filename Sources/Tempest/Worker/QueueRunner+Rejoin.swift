// How a work loop finds back after its connections were lost: the same P on new connections, with what it holds in Redis and in memory
// compared. Before it: trouble. After it: work, or a new incarnation.

import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// The same P on new connections, as soon as Redis is there; nil when the worker is to stop and its time is over. Throws when P is
    /// no more.
    func recover(
        _ process: ProcessName, after claims: Int, _ backoff: inout Backoff
    ) async throws(RunnerTrouble) -> (Session, [ClaimedJob])? {
        while true {
            await pause(backoff.next())
            do {
                return try await find(process, after: claims)
            } catch {
                switch RunnerTrouble(error) {
                case .fenced: throw .fenced
                case .forgotten: throw .forgotten
                case .lost(let reason): report(reason)
                }
            }
            // With nothing to wait for, a stopping worker does not wait out its grace time.
            if let end = stopping.withLock({ $0 }), NIODeadline.now() >= end || ledger.isEmpty { return nil }
        }
    }

    /// A new session of P, and the jobs that it holds in Redis without knowing it, because a claim's reply was lost.
    func find(_ process: ProcessName, after claims: Int) async throws -> (Session, [ClaimedJob]) {
        var session = try await open(process, isNew: false)
        do {
            let run = Keys.run(queue, process)
            let fields = try await session.main.execute(["HKEYS", .init(run)]).array ?? []
            session.claims = try await Int(session.main.execute(["HGET", .init(run), "#"]).string ?? "0") ?? 0
            // Redis came back from an older state: it will give out names of claims again that handlers here still use. (The last claim
            // may never have reached it; the one before was answered.)
            let missing = ledger.running.subtracting(fields.compactMap { $0.string.flatMap { Claim(field: $0) } })
            if session.claims < claims - 1 || !missing.isEmpty { throw RunnerTrouble.forgotten }
            var unknown: [ClaimedJob] = []
            let marks = try await session.main.execute(["SMEMBERS", .init(Keys.begun(queue, process))]).array ?? []
            let begun = Set(marks.compactMap(\.string))
            for field in fields {
                guard let field = field.string, let claim = Claim(field: field), !ledger.holds(claim),
                    // Its handler was called here, and ended in a way that could not be told: it is interrupted with this process.
                    !begun.contains(field),
                    let payload = try await session.main.execute(["HGET", .init(run), .init(field)]).bytes
                else { continue }
                unknown.append(ClaimedJob(claim: claim, payload: payload, mayBeCancelled: true))
            }
            return (session, unknown)
        } catch {
            session.close()
            throw error
        }
    }
}

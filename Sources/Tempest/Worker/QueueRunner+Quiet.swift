// The two ways in which a work loop claims nothing for a while: because it is to be quiet, and because one job must run alone.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// Claims and parks nothing until the worker is to stop; what had landed goes back to the heads of the levels.
    func beQuiet(_ session: Session, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup) async throws {
        try await leaveParks(session)
        try await knowNothing(session)
        health.withLock { $0.down("quiet") }
        while !isStopping {
            let rung = await bell.wait()
            try RunnerTrouble.check(rung)
            if rung.contains(.landed) { try await returnLanded(session) }
            if rung.contains(.unknown) { try await giveUpUnknown(session, end, &jobs) }
        }
    }

    /// Runs jobs that crashed their processes in company, with nothing beside them in this whole worker. The slots are this runner's
    /// alone; those that are still taken get free first, within some seconds. One job, or all as long as nothing else waits: `onlyOne`
    /// is for the busy.
    ///
    /// - Returns: false when the handlers that run did not end in time: a long one must not keep the whole worker idle.
    func runAlone(
        _ session: Session, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup, onlyOne: Bool
    ) async throws -> Bool {
        try await leaveParks(session)
        let patience = NIODeadline.now() + Self.roomPatience
        // What has ended must be settled too: Redis gives such a job only to a process that holds nothing.
        while !slots.isIdle || !ledger.isEmpty {
            if isStopping || isQuiet { return true }
            let left = patience - .now()
            guard left > .zero else { return false }
            try RunnerTrouble.check(await bell.wait(atMost: left, on: loop))
        }
        var seen: Rings = []
        repeat {
            guard let claim = try await startAlone(session, end, &jobs) else { return true }
            while ledger.holds(claim) {
                if isStopping { return true }
                let rung = await bell.wait()
                try RunnerTrouble.check(rung)
                if rung.contains(.unknown) { try await giveUpUnknown(session, end, &jobs) }
                seen.formUnion(rung)
            }
        } while !onlyOne && !seen.contains(.landed) && !isStopping && !isQuiet
        return true
    }

    /// How long a busy worker claims nothing to make room for a job that is to run alone,
    static var roomPatience: TimeAmount { .seconds(5) }
    /// and how long it does not try again when its handlers took longer.
    static var roomPause: TimeAmount { .seconds(60) }

    /// Takes the next of them and starts it; the name of its claim, nil if there is none.
    private func startAlone(
        _ session: Session, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup
    ) async throws -> Claim? {
        let reply: ClaimReply
        do {
            reply = try ClaimReply(
                try await session.main.execute(
                    .fcall(
                        FunctionLibrary.suspect, key: queue.description,
                        [.init(session.process.description)] + levels.map { .init($0.description) })))
        } catch {
            throw RunnerTrouble(error)
        }
        guard let job = reply.jobs.first else { return nil }
        logger.info(
            "a job that crashed its process runs alone",
            metadata: [LogKey.level: "\(job.claim.level)", LogKey.claim: "\(job.claim)"])
        slots.force(1)
        start([job][...], end, &jobs)
        return job.claim
    }
}

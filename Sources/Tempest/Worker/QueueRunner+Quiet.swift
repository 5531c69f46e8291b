// The two ways in which a work loop claims nothing for a while: because it is to be quiet, and because one job must run alone.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// Claims and parks nothing until something is rung; what had landed goes back to the heads of the levels.
    func beQuiet(_ session: Session, adopt: Bool) async throws {
        await endParks(session)
        if adopt { try await returnLanded(session) }
        health.withLock { $0.down("quiet") }
        while !isStopping { try RunnerTrouble.check(await bell.wait()) }
    }

    /// Runs the next job of those that crashed their processes in company, with nothing beside it in this whole worker. The slots are
    /// this runner's alone; those that are still taken get free first.
    func runAlone(_ session: Session, _ run: JobRun, _ jobs: inout DiscardingTaskGroup) async throws {
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        while !slots.isIdle {
            if isStopping { return }
            try RunnerTrouble.check(await bell.wait())
        }
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
        guard let job = reply.jobs.first else { return }
        logger.notice(
            "a job whose processes crashed runs alone", metadata: [LogKey.level: "\(job.level)", "field": "\(job.field)"])
        slots.force(1)
        start([job], run, &jobs)
        while ledger.holds(job.field) {
            if isStopping { return }
            try RunnerTrouble.check(await bell.wait())
        }
    }

    /// Adopts what parked reads have dropped, and gives it back.
    private func returnLanded(_ session: Session) async throws {
        do {
            let names = levels.map { RedisArgument($0.description) }
            let reply = try ClaimReply(
                try await session.main.execute(
                    .fcall(FunctionLibrary.adopt, key: queue.description, [.init(session.process.description)] + names)))
            try await giveBack(reply.jobs.map(\.field), session)
        } catch {
            throw RunnerTrouble(error)
        }
    }
}

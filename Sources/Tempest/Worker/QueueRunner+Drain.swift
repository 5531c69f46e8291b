// How a work loop ends: it waits for what runs while leases are still renewed, gives the rest back, and only then cancels.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// How long a reply may take, and a new connection, once the worker is to stop: a Redis that hangs must not keep it.
    static var lastTry: TimeAmount { .milliseconds(1500) }

    /// Ends the parked reads, and waits until each has returned: what they took by then lies on the land lists.
    /// Returns what was rung meanwhile.
    @discardableResult
    func endParks(_ session: Session) async -> Rings {
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        let patience = NIODeadline.now() + .seconds(2)
        var rung: Rings = []
        while session.parkers.values.contains(where: \.isParked), NIODeadline.now() < patience, !rung.contains(.trouble) {
            rung.formUnion(await bell.wait(atMost: .milliseconds(100), on: loop))
        }
        return rung
    }

    /// Parks nothing any more, and gives back what the parked reads have dropped: it must not wait for what this worker is at.
    func leaveParks(_ session: Session) async throws(RunnerTrouble) {
        try RunnerTrouble.check(await endParks(session))
        try await returnLanded(session)
    }

    /// Adopts what parked reads have dropped, and gives it back to the heads of the levels.
    func returnLanded(_ session: Session) async throws(RunnerTrouble) {
        do {
            let names = levels.map { RedisArgument($0.description) }
            let reply = try ClaimReply(
                try await session.main.execute(
                    .fcall(FunctionLibrary.adopt, key: queue.description, [.init(session.process.description)] + names),
                    timeout: isStopping ? Self.lastTry : nil))
            try await giveBack(reply.jobs.map(\.claim), session)
        } catch {
            throw RunnerTrouble(error)
        }
    }

    /// Waits for what runs, gives the rest back, and leaves. Leases are renewed meanwhile. Throws when the connections fail before that.
    func drain(_ session: Session, _ running: RunningJobs) async throws(RunnerTrouble) {
        health.withLock { $0.down("stopping") }
        // First: it may be the last job of a while that waits for a worker which knows its action.
        try await knowNothing(session)
        try await leaveParks(session)
        // Read anew each time: a second signal makes it shorter.
        while !ledger.isEmpty, let end = stopping.withLock({ $0 }), NIODeadline.now() < end {
            try RunnerTrouble.check(await bell.wait(atMost: end - .now(), on: loop))
        }
        let rest = ledger.held
        if !rest.isEmpty {
            logger.warning("handlers still run: their jobs go back to the queue", metadata: [LogKey.jobs: "\(rest.count)"])
        }
        // A BLMOVE that is still parked could drop a job where nobody looks any more: each has returned before.
        await endParks(session)
        try await leaveOnce(session, running)
        // Goodbye gives back what is held in the run hash and on the land lists, and only then are handlers cancelled: it is worse to
        // lose a job than to run it twice.
        do {
            for parker in session.parkers.values { parker.retire() }
            _ = try await FunctionLoader.call(Session.goodbye(session.process, queue: queue, levels: levels), on: redis)
        } catch {
            sayUnheard("\(error)")
        }
        ledger.detach()
        ledger.abandon(rest)
        session.close()
    }

    /// The word to stop has come: `work` heeds it unless it waits for a reply of a Redis that hangs.
    func endWaiting() {
        redis.hurry(Self.lastTry)
        loop.scheduleTask(in: Self.lastTry) { _ = self.atWork.withLock { $0 }?.close() }
    }

    func sayUnheard(_ why: String) {
        logger.warning(
            "Redis did not hear the goodbye: other workers take what is left when the lease is over",
            metadata: [LogKey.error: "\(why)"])
    }
}

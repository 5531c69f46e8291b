// How a work loop ends: it waits for what runs while leases are still renewed, gives the rest back, and only then cancels.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

extension QueueRunner {
    /// Ends the parked reads, and waits until each has returned: what they took by then lies on the land lists.
    func endParks(_ session: Session) async {
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        let patience = NIODeadline.now() + .seconds(2)
        while session.parkers.values.contains(where: \.isParked), NIODeadline.now() < patience {
            if await bell.wait(atMost: .milliseconds(100), on: redis.eventLoop).contains(.trouble) { return }
        }
    }

    /// Waits for what runs, gives the rest back, and leaves. Leases are renewed meanwhile. Throws when the connections fail before that.
    func drain(_ session: Session) async throws(RunnerTrouble) {
        health.withLock { $0.down("stopping") }
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        // Read anew each time: a second signal makes it shorter.
        while !ledger.held.isEmpty, let end = stopping.withLock({ $0 }), NIODeadline.now() < end {
            try RunnerTrouble.check(await bell.wait(atMost: end - .now(), on: redis.eventLoop))
        }
        let rest = ledger.held
        if !rest.isEmpty {
            logger.notice("the grace time is over: jobs go back to the queue", metadata: ["jobs": "\(rest.count)"])
        }
        // A BLMOVE that is still parked could drop a job where nobody looks any more: each has returned before.
        await endParks(session)
        // Goodbye gives back what is held in the run hash and on the land lists, and only then are handlers cancelled: it is worse to
        // lose a job than to run it twice.
        do {
            for parker in session.parkers.values { parker.retire() }
            _ = try await FunctionLoader.call(Session.goodbye(session.process, queue: queue, levels: levels), on: redis)
        } catch {
            logger.warning(
                "could not say goodbye: other workers will take over what is left when the lease is over",
                metadata: [LogKey.error: "\(error)"])
        }
        ledger.detach()
        ledger.abandon(rest)
        session.close()
        logger.info("stopped")
    }
}

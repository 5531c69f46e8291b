// The work loop of one queue: claim while there are slots and jobs, park when dry, adopt what lands, recover from lost connections,
// begin anew when fenced, drain at the end. What a job does is JobRun's, how it ends ClaimLedger's.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

final class QueueRunner: Sendable {
    let queue: QueueName
    let levels: [Level]
    let bell = Bell()
    let health = Mutex(QueueHealth())
    let options: WorkerOptions
    /// What it has handlers for.
    private let actions: [String]
    let redis: RedisClient
    /// Where its connections live, and its task.
    let loop: any EventLoop
    let executor: LoopExecutor
    let slots: Slots
    let beater: Beater
    let logger: Logger
    let outage: RedisOutage
    /// Who it is there.
    let outageName: String
    /// What it says of a right that is missing.
    private let complaint = Mutex(Complaint(every: .seconds(5)))
    let ledger: ClaimLedger
    let counters = Counters()
    /// The connection whose replies the work loop may be waiting for; nil while it is not in `work`.
    let atWork = Mutex(RedisConnection?.none)
    /// When the grace time is over; nil while the worker is not to stop.
    let stopping = Mutex(NIODeadline?.none)
    /// Claims no more, but does not stop.
    private let quiet = Mutex(false)
    /// Told the name of each incarnation.
    private let onIncarnation: @Sendable (QueueName, ProcessName) -> Void
    private let makeRun: @Sendable (ProcessName, RunningJobs, Logger) -> JobRun

    init(
        queue: QueueName, options: WorkerOptions, actions: [String], redis: RedisClient, slots: Slots, beater: Beater,
        logger: Logger, outage: RedisOutage,
        onIncarnation: @escaping @Sendable (QueueName, ProcessName) -> Void,
        makeRun: @escaping @Sendable (QueueName, ProcessName, RunningJobs, Logger) -> JobRun
    ) {
        var logger = logger
        logger[metadataKey: LogKey.queue] = "\(queue)"
        (self.queue, self.levels, self.options, self.actions) = (queue, options.levels, options, actions)
        (self.redis, self.loop) = (redis, redis.anotherEventLoop())
        executor = LoopExecutor(loop)
        (self.outage, outageName) = (outage, "queue \(queue)")
        (self.slots, self.beater, self.logger) = (slots, beater, logger)
        self.ledger = ClaimLedger(queue: queue, slots: slots, bell: bell, counters: counters, logger: logger)
        self.onIncarnation = onIncarnation
        self.makeRun = { makeRun(queue, $0, $1, $2) }
        slots.announce(to: bell)
    }

    var isStopping: Bool { stopping.withLock { $0 != nil } }
    var isQuiet: Bool { quiet.withLock { $0 } }

    /// Claim no more; `run` returns when what runs has ended or, after `grace`, been given back. A second call can only shorten the time.
    func stop(grace: Duration) {
        let end = NIODeadline.now() + .nanoseconds(grace.nanoseconds)
        let isFirst = stopping.withLock { stopping in
            defer { stopping = min(stopping ?? end, end) }
            return stopping == nil
        }
        if isFirst { endWaiting() }
        bell.ring(.stop)
    }

    /// Claim no more, but go on running what runs.
    func becomeQuiet() {
        quiet.withLock { $0 = true }
        bell.ring(.quiet)
    }

    /// How an incarnation ends.
    private enum End { case stopped, fenced(RunnerTrouble), failed(any Error) }

    /// Serves until it is stopped. Returns why Redis does not let it, if that was so from the beginning; nobody waits for that to change.
    func run() async -> RedisError? {
        // One group for all incarnations: a handler that takes its time after a fencing does not hold up the next one.
        await withDiscardingTaskGroup { jobs in
            var backoff = Backoff()
            var hasServed = false
            defer { outage.forget(outageName) }
            while !isStopping {
                let process = ProcessName(options.name)
                let running = RunningJobs()
                let end = await live(as: process, running, &jobs)
                // Whatever still runs is not ours any more.
                beater.remove(queue)
                ledger.detach()
                ledger.abandon(ledger.held)
                running.stopAll()
                switch end {
                case .stopped: return nil
                case .fenced(let why):
                    hasServed = true
                    logger.warning(
                        "fenced: what it ran is dropped, and a new process begins",
                        metadata: [LogKey.process: "\(process)", LogKey.error: "\(why)"])
                    // What its parked reads landed meanwhile goes back, and all that it held if Redis does know it after all.
                    _ = try? await redis.execute(Session.goodbye(process, queue: queue, levels: levels))
                    backoff.reset()
                case .failed(let error):
                    if !hasServed, let error = error as? RedisError, error.isRefusal { return error }
                    health.withLock { $0.down("\(error)") }
                    report(error)
                    await pause(backoff.next())
                }
            }
            return nil
        }
    }

    /// Waits; a stop that comes meanwhile ends it early.
    func pause(_ time: TimeAmount) async {
        let (end, wasStopping) = (NIODeadline.now() + time, isStopping)
        while NIODeadline.now() < end, isStopping == wasStopping {
            _ = await bell.wait(atMost: end - .now(), on: loop)
        }
    }

    /// Trouble with Redis passes, and is one line. A right that is missing does not pass by itself, and is an error again and again.
    func report(_ error: any Error) {
        guard RunnerTrouble.isMissingRight(error) else { return outage.lost(outageName, error) }
        // It answers.
        outage.back(outageName)
        let cause = "\(RunnerTrouble.cause(error))"
        guard complaint.withLock({ $0.isDue(cause) }) else { return }
        logger.error("Redis refuses what this worker needs; trying again", metadata: [LogKey.error: "\(cause)"])
    }

    func open(_ process: ProcessName, isNew: Bool) async throws -> Session {
        try await Session.open(
            process, isNew: isNew, queue: queue, levels: levels, actions: isStopping || isQuiet ? nil : actions,
            lease: options.lease, redis: redis, loop: loop, clock: beater.clock, bell: bell)
    }

    /// From registration to the end of one P.
    private func live(
        as process: ProcessName, _ running: RunningJobs, _ jobs: inout DiscardingTaskGroup
    ) async -> End {
        var session: Session
        do {
            session = try await open(process, isNew: true)
        } catch {
            return .failed(error)
        }
        var logger = logger
        logger[metadataKey: LogKey.process] = "\(process)"
        let end = JobEnd(ledger: ledger, redis: redis, run: makeRun(process, running, logger))
        bell.silence([.fenced, .trouble])
        beater.add(queue, process, levels: levels, running: running, bell)
        onIncarnation(queue, process)
        ledger.attach(session.main, process: process)
        health.withLock { $0.up() }
        outage.back(outageName)
        var backoff = Backoff()
        while true {
            let opened = NIODeadline.now()
            do {
                try await work(&session, end, &jobs)
                try await drain(session, running)
                return .stopped
            } catch RunnerTrouble.fenced {
                await endParks(session)
                session.close()
                return .fenced(.fenced)
            } catch {
                let reason =
                    session.parkers.values.compactMap(\.failure).first ?? ledger.failure ?? RunnerTrouble.cause(error)
                session.close()
                ledger.detach()
                health.withLock { $0.down("\(reason)") }
                counters.add(to: MetricName.lost, ["queue": queue.description])
                report(reason)
                // A session that broke at once will do so again: attempts come ever later until one lasts.
                if NIODeadline.now() - opened > .seconds(2) { backoff.reset() }
                var unknown: [ClaimedJob] = []
                do {
                    guard let found = try await recover(process, after: session.claims, &backoff) else {
                        sayUnheard("\(reason)")
                        return .stopped
                    }
                    (session, unknown) = found
                } catch {
                    outage.back(outageName)
                    return .fenced(error)
                }
                bell.silence([.fenced, .trouble])
                ledger.attach(session.main, process: process)
                health.withLock { $0.up() }
                outage.back(outageName)
                // They are ours in any case; while stopping, goodbye gives them back.
                if !isStopping {
                    slots.force(unknown.count)
                    start(unknown[...], end, &jobs)
                }
            }
        }
    }

    private func work(_ session: inout Session, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup) async throws {
        atWork.withLock { $0 = session.main }
        defer { atWork.withLock { $0 = nil } }
        var state = ClaimState(levels: levels)
        var nextRoom = NIODeadline.now()
        var quotas = options.weights.map { weights in LevelQuotas(levels.map { weights[$0] ?? 1 }) }
        // Asked for, and not heard of yet: Redis gathers it while what came before runs.
        var asked: Asked?
        defer { slots.release(asked?.want ?? 0) }
        while true {
            if asked == nil {
                if isStopping { return }
                if isQuiet {
                    try await beQuiet(session, end, &jobs)
                    continue
                }
                asked = ask(state, &session, &quotas)
            }
            if let heard = asked {
                asked = nil
                let reply: ClaimReply
                do {
                    reply = try await hear(heard, &quotas)
                } catch {
                    slots.release(heard.want)
                    throw RunnerTrouble(error)
                }
                if state.note(reply, wanted: heard.want) {
                    health.withLock { $0.note(broken: reply.broken) }
                    if let level = reply.broken.first {
                        logger.error(
                            "a level's key is not a list: its jobs cannot be served; delete or rename the key",
                            metadata: [LogKey.level: "\(level)", "key": "\(Keys.level(queue, level))"])
                    }
                }
                let missing = reply.jobs.count - heard.want
                let more = missing > 0 ? slots.take(upTo: missing) : 0
                let fitting = min(reply.jobs.count, heard.want + more)
                slots.release(heard.want + more - fitting)
                if !isStopping, !isQuiet, fitting == reply.jobs.count { asked = ask(state, &session, &quotas) }
                await begin(reply.jobs[..<fitting], end, &jobs)
                // Under load nobody waits for the bell.
                if bell.takes(.unknown), !isStopping { try await giveUpUnknown(session, end, &jobs) }
                if fitting < reply.jobs.count {
                    state.full()
                    do { try await giveBack(reply.jobs[fitting...].map(\.claim), session) } catch { throw RunnerTrouble(error) }
                }
                continue
            }
            if state.wantsClaim {
                // Every slot is taken: what lands now would have to go back.
                for parker in session.parkers.values { parker.unpark(by: session.main) }
            } else {
                for level in state.parkable {
                    session.parkers[level]?.park { [bell, loop] in
                        // A full Redis refuses BLMOVE, but not claims: poll until it has room.
                        _ = loop.scheduleTask(in: .milliseconds(.random(in: 50...150))) { bell.ring(.landed) }
                    }
                }
            }
            let rung = await bell.wait()
            try RunnerTrouble.check(rung)
            state.woken(rung)
            if rung.contains(.unknown) { try await giveUpUnknown(session, end, &jobs) }
            let makesRoom = rung.contains(.makeRoom) && NIODeadline.now() >= nextRoom
            if rung.contains(.suspect), slots.beginAlone(force: makesRoom) {
                defer { slots.endAlone() }
                if try await !runAlone(session, end, &jobs, onlyOne: rung.contains(.makeRoom)) {
                    nextRoom = .now() + Self.roomPause
                }
                // What landed meanwhile has waited.
                state.woken(.landed)
            }
        }
    }

    /// Commands to adopt and to claim that are on their way.
    private struct Asked {
        /// How many jobs are claimed, each of which has a slot; 0 for adopt alone.
        var want: Int
        var replies: [EventLoopFuture<RedisReply>]
    }

    /// Adopts and claims in one round trip, as far as there is need and room; nil if there is neither.
    private func ask(_ state: ClaimState, _ session: inout Session, _ quotas: inout LevelQuotas?) -> Asked? {
        // Those that have ended and are not settled would run again if this process died now: there are no more than two batches of them, one
        // that Redis is settling and one that has just ended.
        let mayClaim = state.wantsClaim && ledger.unsettled < 2 * options.largestClaim
        let want = mayClaim ? slots.take(upTo: options.largestClaim) : 0
        var asked = Asked(want: want, replies: [])
        let names = levels.map { RedisArgument($0.description) }
        let process = RedisArgument(session.process.description)
        if state.wantsAdopt {
            asked.replies.append(session.main.send(.fcall(FunctionLibrary.adopt, key: queue.description, [process] + names)))
        }
        if want > 0 {
            session.claims += 1
            let shares = quotas?.shares(of: want)
            let weighted = shares.map { zip(levels, $0).map { RedisArgument("\($0)=\($1)") } }
            asked.replies.append(
                session.main.send(
                    .fcall(
                        FunctionLibrary.claim, key: queue.description,
                        [process, .init(session.claims), .init(want), .init(FunctionLibrary.moveBytes)] + (weighted ?? names))))
        }
        return asked.replies.isEmpty ? nil : asked
    }

    private func hear(_ asked: Asked, _ quotas: inout LevelQuotas?) async throws -> ClaimReply {
        var replies: [ClaimReply] = []
        for reply in asked.replies { replies.append(try ClaimReply(try await reply.get())) }
        if asked.want > 0, let claimed = replies.last {
            if quotas != nil, claimed.jobs.count < asked.want, claimed.bytes >= FunctionLibrary.moveBytes {
                quotas?.cutShort(levels.map { level in claimed.jobs.count { $0.claim.level == level } })
            }
        }
        var all = replies[0]
        for reply in replies.dropFirst() {
            all.jobs += reply.jobs
            all.bytes += reply.bytes
            all.paused.formUnion(reply.paused)
            all.broken.formUnion(reply.broken)
            all.hasCancelled = all.hasCancelled || reply.hasCancelled
        }
        // What landed was taken without a look at the levels above it: what does not fit goes back from the lowest.
        if replies.count > 1, !replies[0].jobs.isEmpty {
            let rank = Dictionary(uniqueKeysWithValues: zip(levels, levels.indices))
            all.jobs.sort { rank[$0.claim.level, default: 0] < rank[$1.claim.level, default: 0] }
        }
        return all
    }

    /// - Parameter unrun: they may be marked as begun, and their handlers were not called.
    func giveBack(_ claims: [Claim], _ session: Session, unrun: Bool = false) async throws {
        guard !claims.isEmpty else { return }
        _ = try await session.main.execute(
            .fcall(
                FunctionLibrary.giveback, key: queue.description,
                [.init(session.process.description)] + claims.map { .init("\(unrun ? "~" : "")\($0)") }))
    }
}

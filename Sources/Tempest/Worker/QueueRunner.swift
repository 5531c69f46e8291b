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
    private let options: WorkerOptions
    private let redis: RedisClient
    private let slots: Slots
    private let beater: Beater
    private let logger: Logger
    private let ledger: ClaimLedger
    private let counters = Counters()
    /// When the grace time is over; nil while the worker is not to stop.
    private let stopping = Mutex(NIODeadline?.none)
    private let makeRun: @Sendable (ProcessName, Logger) -> JobRun

    init(
        queue: QueueName, options: WorkerOptions, redis: RedisClient, slots: Slots, beater: Beater, logger: Logger,
        makeRun: @escaping @Sendable (QueueName, ProcessName, Logger) -> JobRun
    ) {
        var logger = logger
        logger[metadataKey: LogKey.queue] = "\(queue)"
        (self.queue, self.levels, self.options, self.redis) = (queue, options.levels, options, redis)
        (self.slots, self.beater, self.logger) = (slots, beater, logger)
        self.ledger = ClaimLedger(queue: queue, slots: slots, bell: bell, counters: counters, logger: logger)
        self.makeRun = { makeRun(queue, $0, $1) }
        slots.announce(to: bell)
    }

    private var isStopping: Bool { stopping.withLock { $0 != nil } }

    /// Claim no more; `run` returns when what runs has ended or been given back.
    func stop() {
        stopping.withLock { $0 = $0 ?? .now() + .nanoseconds(options.grace.nanoseconds) }
        bell.ring(.stop)
    }

    /// How an incarnation ends.
    private enum End { case stopped, fenced, failed(any Error) }

    func run() async {
        let ticker = redis.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [bell] _ in
            bell.ring(.tick)
        }
        defer { ticker.cancel() }
        var backoff = Backoff()
        while !isStopping {
            let process = ProcessName(options.name)
            let end = await withDiscardingTaskGroup(returning: End.self) { jobs in
                let end = await live(as: process, &jobs)
                // Before handlers that take their time to end: whatever still runs is not ours any more.
                beater.remove(queue)
                ledger.detach()
                ledger.abandon(ledger.held)
                jobs.cancelAll()
                return end
            }
            switch end {
            case .stopped: return
            case .fenced:
                logger.warning(
                    "Redis does not know this process any more: beginning anew", metadata: [LogKey.process: "\(process)"])
                // What its parked reads landed meanwhile goes back, and all that it held if Redis does know it after all.
                _ = try? await redis.execute(Session.goodbye(process, queue: queue, levels: levels))
                backoff.reset()
            case .failed(let error):
                health.withLock { $0.down("\(error)") }
                logger.error("cannot work on the queue; trying again", metadata: [LogKey.error: "\(error)"])
                await pause(backoff.next())
            }
        }
    }

    /// Waits; a stop that comes meanwhile ends it early.
    private func pause(_ time: TimeAmount) async {
        let (end, wasStopping) = (NIODeadline.now() + time, isStopping)
        while NIODeadline.now() < end, isStopping == wasStopping {
            _ = await bell.wait(atMost: end - .now(), on: redis.eventLoop)
        }
    }

    /// From registration to the end of one P.
    private func live(as process: ProcessName, _ jobs: inout DiscardingTaskGroup) async -> End {
        var session: Session
        do {
            session = try await Session.open(process, isNew: true, queue: queue, levels: levels, redis: redis, bell: bell)
        } catch {
            return .failed(error)
        }
        var logger = logger
        logger[metadataKey: LogKey.process] = "\(process)"
        let run = makeRun(process, logger)
        bell.silence([.fenced, .trouble])
        beater.add(queue, process, bell)
        ledger.attach(session.main, process: process)
        health.withLock { $0.up() }
        logger.info("registered")
        var backoff = Backoff()
        while true {
            let opened = NIODeadline.now()
            do {
                try await work(&session, run, &jobs)
                try await drain(session, &jobs)
                return .stopped
            } catch RunnerTrouble.fenced {
                await endParks(session)
                session.close()
                return .fenced
            } catch {
                let reason = session.parkers.values.compactMap(\.failure).first.map { "\($0)" } ?? "\(error)"
                session.close()
                ledger.detach()
                health.withLock { $0.down(reason) }
                counters.add(to: MetricName.lost, ["queue": queue.description])
                logger.warning("lost Redis; reconnecting", metadata: [LogKey.error: "\(reason)"])
                // A session that broke at once will do so again: attempts come ever later until one lasts.
                if NIODeadline.now() - opened > .seconds(2) { backoff.reset() }
                var unknown: [ClaimedJob] = []
                do {
                    guard let found = try await recover(process, after: session.claims, &backoff) else { return .stopped }
                    (session, unknown) = found
                } catch {
                    return .fenced
                }
                bell.silence([.fenced, .trouble])
                ledger.attach(session.main, process: process)
                health.withLock { $0.up() }
                logger.info("Redis is back")
                // They are ours in any case; while stopping, goodbye gives them back.
                if !isStopping {
                    slots.force(unknown.count)
                    start(unknown, run, &jobs)
                }
            }
        }
    }

    /// The same P on new connections, as soon as Redis is there; nil when the worker is to stop and its time is over. Throws when P is
    /// no more.
    private func recover(
        _ process: ProcessName, after claims: Int, _ backoff: inout Backoff
    ) async throws(RunnerTrouble) -> (Session, [ClaimedJob])? {
        while true {
            await pause(backoff.next())
            do {
                return try await find(process, after: claims)
            } catch {
                if case .fenced = RunnerTrouble(error) { throw .fenced }
                logger.debug("still no Redis", metadata: [LogKey.error: "\(error)"])
            }
            // With nothing to wait for, a stopping worker does not wait out its grace time.
            if let end = stopping.withLock({ $0 }), NIODeadline.now() >= end || ledger.held.isEmpty { return nil }
        }
    }

    /// A new session of P, and the jobs that it holds in Redis without knowing it, because a claim's reply was lost.
    private func find(_ process: ProcessName, after claims: Int) async throws -> (Session, [ClaimedJob]) {
        var session = try await Session.open(process, isNew: false, queue: queue, levels: levels, redis: redis, bell: bell)
        do {
            let run = Keys.run(queue, process)
            let fields = try await session.main.execute(["HKEYS", .init(run)]).array ?? []
            session.claims = try await Int(session.main.execute(["HGET", .init(run), "#"]).string ?? "0") ?? 0
            // Redis came back from an older state: it will give out names of claims again that handlers here still use. (The last claim
            // may never have reached it; the one before was answered.)
            let missing = ledger.held.subtracting(ledger.settling).subtracting(fields.compactMap(\.string))
            if session.claims < claims - 1 || !missing.isEmpty {
                logger.warning("Redis has lost some of its past: beginning anew", metadata: [LogKey.process: "\(process)"])
                throw RunnerTrouble.fenced
            }
            var unknown: [ClaimedJob] = []
            for field in fields {
                guard let field = field.string, let dot = field.lastIndex(of: "."), !ledger.holds(field),
                    let level = try? Level(String(field[..<dot])),
                    let payload = try await session.main.execute(["HGET", .init(run), .init(field)]).bytes
                else { continue }
                unknown.append(ClaimedJob(field: field, level: level, payload: payload))
            }
            return (session, unknown)
        } catch {
            session.close()
            throw error
        }
    }

    private func work(_ session: inout Session, _ run: JobRun, _ jobs: inout DiscardingTaskGroup) async throws {
        var state = ClaimState(levels: levels)
        while true {
            if isStopping { return }
            let reserved = state.wantsClaim ? slots.take(upTo: options.largestClaim) : 0
            if state.wantsAdopt || reserved > 0 {
                let reply: ClaimReply
                do {
                    reply = try await take(&session, adopt: state.wantsAdopt, want: reserved)
                } catch {
                    slots.release(reserved)
                    throw RunnerTrouble(error)
                }
                if state.note(reply, wanted: reserved) {
                    health.withLock { $0.note(broken: reply.broken) }
                    if let level = reply.broken.first {
                        logger.error(
                            "a level's key is no list: jobs of it cannot be served; delete or rename the key",
                            metadata: [LogKey.level: "\(level)", "key": "\(Keys.level(queue, level))"])
                    }
                }
                let missing = reply.jobs.count - reserved
                let more = missing > 0 ? slots.take(upTo: missing) : 0
                let fitting = min(reply.jobs.count, reserved + more)
                start(Array(reply.jobs[..<fitting]), run, &jobs)
                slots.release(reserved + more - fitting)
                if fitting < reply.jobs.count {
                    state.full()
                    do { try await giveBack(reply.jobs[fitting...].map(\.field), session) } catch { throw RunnerTrouble(error) }
                }
                continue
            }
            if state.wantsClaim {
                // Every slot is taken: what lands now would have to go back.
                for parker in session.parkers.values { parker.unpark(by: session.main) }
            } else {
                for level in state.parkable {
                    session.parkers[level]?.park { [bell, redis] in
                        // A full Redis refuses BLMOVE, but not claims: poll until it has room.
                        _ = redis.eventLoop.scheduleTask(in: .milliseconds(.random(in: 50...150))) { bell.ring(.landed) }
                    }
                }
            }
            let rung = await bell.wait()
            if rung.contains(.fenced) { throw RunnerTrouble.fenced }
            if rung.contains(.trouble) {
                throw RunnerTrouble.lost(RedisError(.connectionLost, "a connection of the worker failed"))
            }
            state.woken(rung)
        }
    }

    /// Adopts and claims in one round trip. Slots for `want` jobs are taken already.
    private func take(_ session: inout Session, adopt: Bool, want: Int) async throws -> ClaimReply {
        var commands: [RedisCommand] = []
        let names = levels.map { RedisArgument($0.description) }
        let process = RedisArgument(session.process.description)
        if adopt { commands.append(.fcall(FunctionLibrary.adopt, key: queue.description, [process] + names)) }
        if want > 0 {
            session.claims += 1
            commands.append(
                .fcall(
                    FunctionLibrary.claim, key: queue.description,
                    [process, .init(session.claims), .init(want), .init(FunctionLibrary.moveBytes)] + names))
        }
        var replies: [ClaimReply] = []
        for result in try await session.main.execute(commands) { replies.append(try ClaimReply(result.get())) }
        var all = replies[0]
        for reply in replies.dropFirst() {
            all.jobs += reply.jobs
            all.bytes += reply.bytes
            all.paused.formUnion(reply.paused)
            all.broken.formUnion(reply.broken)
        }
        // What landed was taken without a look at the levels above it: what does not fit goes back from the lowest.
        if replies.count > 1, !replies[0].jobs.isEmpty {
            let rank = Dictionary(uniqueKeysWithValues: zip(levels, levels.indices))
            all.jobs.sort { rank[$0.level, default: 0] < rank[$1.level, default: 0] }
        }
        return all
    }

    private func start(_ claimed: [ClaimedJob], _ run: JobRun, _ jobs: inout DiscardingTaskGroup) {
        guard !claimed.isEmpty else { return }
        ledger.enter(claimed.lazy.map(\.field))
        for level in levels {
            let count = claimed.count { $0.level == level }
            counters.add(count, to: MetricName.claimed, ["queue": queue.description, "level": level.description])
        }
        for job in claimed {
            jobs.addTask { await JobEnd(ledger: self.ledger, redis: self.redis, run: run).carryOut(job) }
        }
    }

    private func giveBack(_ fields: [String], _ session: Session) async throws {
        guard !fields.isEmpty else { return }
        _ = try await session.main.execute(
            .fcall(
                FunctionLibrary.giveback, key: queue.description,
                [.init(session.process.description)] + fields.map { .init($0) }))
    }

    /// Ends the parked reads, and waits until each has returned: what they took by then lies on the land lists.
    private func endParks(_ session: Session) async {
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        let patience = NIODeadline.now() + .seconds(2)
        while session.parkers.values.contains(where: \.isParked), NIODeadline.now() < patience {
            if await bell.wait(atMost: .milliseconds(100), on: redis.eventLoop).contains(.trouble) { return }
        }
    }

    /// Waits for what runs, gives the rest back, and leaves. Leases are renewed meanwhile. Throws when the connections fail before that.
    private func drain(_ session: Session, _ jobs: inout DiscardingTaskGroup) async throws(RunnerTrouble) {
        health.withLock { $0.down("stopping") }
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        let end = stopping.withLock { $0 } ?? .now()
        while !ledger.held.isEmpty, NIODeadline.now() < end {
            let rung = await bell.wait(atMost: end - .now(), on: redis.eventLoop)
            if rung.contains(.fenced) { throw .fenced }
            if rung.contains(.trouble) { throw .lost(RedisError(.connectionLost, "a connection of the worker failed")) }
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
        jobs.cancelAll()
        session.close()
        logger.info("stopped")
    }
}

/// Why a work loop cannot go on with its session.
enum RunnerTrouble: Error {
    /// Redis does not know the process.
    case fenced
    /// Connections are to be made anew.
    case lost(any Error)

    init(_ error: any Error) {
        if let trouble = error as? RunnerTrouble {
            self = trouble
        } else if (error as? RedisError)?.code == .fenced {
            self = .fenced
        } else {
            self = .lost(error)
        }
    }
}

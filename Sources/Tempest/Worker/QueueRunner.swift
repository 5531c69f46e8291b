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
    private let stopping = Mutex(false)
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

    private var isStopping: Bool { stopping.withLock { $0 } }

    /// Claim no more; `run` returns when what runs has ended or been given back.
    func stop() {
        stopping.withLock { $0 = true }
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
                // Whatever still runs is not ours any more.
                if case .stopped = end {} else { jobs.cancelAll() }
                return end
            }
            beater.remove(queue)
            ledger.detach()
            ledger.abandon(ledger.held)
            switch end {
            case .stopped: return
            case .fenced:
                logger.warning(
                    "Redis does not know this process any more: beginning anew", metadata: [LogKey.process: "\(process)"])
                backoff.reset()
            case .failed(let error):
                health.withLock { $0.down("\(error)") }
                logger.error("cannot work on the queue; trying again", metadata: [LogKey.error: "\(error)"])
                _ = await bell.wait(atMost: backoff.next(), on: redis.eventLoop)
            }
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
        beater.add(queue, process, bell)
        ledger.attach(session.main, process: process)
        health.withLock { $0.up() }
        logger.info("registered")
        var backoff = Backoff()
        var unknown: [ClaimedJob] = []
        while true {
            do {
                start(unknown, run, &jobs)
                unknown = []
                try await work(&session, run, &jobs)
                await drain(session, &jobs)
                return .stopped
            } catch RunnerTrouble.fenced {
                session.close()
                return .fenced
            } catch {
                session.close()
                ledger.detach()
                health.withLock { $0.down("\(error)") }
                counters.add(to: MetricName.lost, ["queue": queue.description])
                logger.warning("lost Redis; reconnecting", metadata: [LogKey.error: "\(error)"])
                while true {
                    if await bell.wait(atMost: backoff.next(), on: redis.eventLoop).contains(.stop), ledger.held.isEmpty {
                        return .stopped
                    }
                    do {
                        (session, unknown) = try await recover(process)
                        break
                    } catch let error as RedisError where error.code == .fenced {
                        return .fenced
                    } catch {
                        logger.debug("still no Redis", metadata: [LogKey.error: "\(error)"])
                    }
                }
                ledger.attach(session.main, process: process)
                health.withLock { $0.up() }
                backoff.reset()
                logger.info("Redis is back")
            }
        }
    }

    /// The same P on new connections; and the jobs that it holds in Redis without knowing it, because a claim's reply was lost.
    private func recover(_ process: ProcessName) async throws -> (Session, [ClaimedJob]) {
        var session = try await Session.open(process, isNew: false, queue: queue, levels: levels, redis: redis, bell: bell)
        do {
            let run = Keys.run(queue, process)
            var unknown: [ClaimedJob] = []
            for field in try await session.main.execute(["HKEYS", .init(run)]).array ?? [] {
                guard let field = field.string, let dot = field.lastIndex(of: "."), !ledger.holds(field),
                    let level = try? Level(String(field[..<dot])),
                    let payload = try await session.main.execute(["HGET", .init(run), .init(field)]).bytes
                else { continue }
                unknown.append(ClaimedJob(field: field, level: level, payload: payload))
            }
            session.claims = try await Int(session.main.execute(["HGET", .init(run), "#"]).string ?? "0") ?? 0
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
                do {
                    let reply = try await take(&session, adopt: state.wantsAdopt, want: reserved)
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
                        try await giveBack(reply.jobs[fitting...].map(\.field), session)
                        state.full()
                    }
                } catch {
                    slots.release(reserved)
                    throw RunnerTrouble(error)
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

    /// Waits for what runs, gives the rest back, and leaves. Leases are renewed meanwhile.
    private func drain(_ session: Session, _ jobs: inout DiscardingTaskGroup) async {
        health.withLock { $0.down("stopping") }
        for parker in session.parkers.values { parker.unpark(by: session.main) }
        let end = NIODeadline.now() + .nanoseconds(options.grace.nanoseconds)
        while !ledger.held.isEmpty, NIODeadline.now() < end {
            let rung = await bell.wait(atMost: end - NIODeadline.now(), on: redis.eventLoop)
            if !rung.intersection([.fenced, .trouble]).isEmpty { break }
        }
        let rest = ledger.held
        if !rest.isEmpty {
            logger.notice("the grace time is over: jobs go back to the queue", metadata: ["jobs": "\(rest.count)"])
        }
        // Goodbye gives back what is held in the run hash and on the land lists, and only then are handlers cancelled: it is worse to
        // lose a job than to run it twice.
        let goodbye = RedisCommand.fcall(
            FunctionLibrary.goodbye, key: queue.description,
            [.init(session.process.description)] + levels.map { .init($0.description) })
        // A BLMOVE that is still parked could drop a job where nobody looks any more: each has returned before.
        let patience = NIODeadline.now() + .seconds(2)
        while session.parkers.values.contains(where: \.isParked), NIODeadline.now() < patience {
            if await bell.wait(atMost: .milliseconds(100), on: redis.eventLoop).contains(.trouble) { break }
        }
        do {
            for parker in session.parkers.values { try? await parker.connection.close().get() }
            _ = try await FunctionLoader.call(goodbye, on: redis)
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

// The whole of `tempest supervise`: keeps every place of every group, hears signals, and ends when all places have.
// Before it: a plan that was read and checked. After it: no worker, nothing left of theirs in Redis.

import Dispatch
package import Logging
import NIOCore
import Synchronization
import Tempest
package import TempestRedis
import UnixSignals

#if canImport(System)
import System
#else
import SystemPackage
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs groups of workers.
package struct Supervisor: Sendable {
    package struct Options: Sendable {
        /// Whether each line is a JSON object. Default false: lines for people.
        package var json = false
        /// Whether the workers' names have colours. Default false.
        package var coloured = false
        /// A file that is there while all workers have been ready; nil: none.
        package var readyFile: String?

        package init() {}
    }

    private let groups: [WorkerGroup]
    private let configuration: RedisConfiguration
    private let redisURL: String
    private let options: Options
    private let logger: Logger

    /// - Parameters:
    ///   - redisURL: what workers get as REDIS_URL: the same Redis as the configuration's.
    package init(groups: [WorkerGroup], redis: RedisConfiguration, redisURL: String, options: Options, logger: Logger) {
        self.groups = groups
        self.configuration = redis
        self.redisURL = redisURL
        self.options = options
        self.logger = logger
    }

    /// Runs the workers until SIGTERM or SIGINT has ended them, or all have ended for good. Once in a program: it takes its signals.
    ///
    /// Returns whether all is well: false when a worker that is not to be started again had failed.
    package func run() async -> Bool {
        // A reader of our lines that goes away must not end us.
        signal(SIGPIPE, SIG_IGN)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigusr1)
        let names = self.groups.flatMap { group in (1...group.count).map { "\(group.name).\($0)" } }
        let width = (names + ["tempest"]).map(\.utf8.count).max() ?? 0
        let journal = Journal(
            self.options.json ? .json : .people(width: width, coloured: self.options.coloured), to: .standardOutput)
        let result = await self.supervise(signals, journal)
        await journal.finish(within: .seconds(2))
        return result
    }

    private func supervise(_ signals: UnixSignalsSequence, _ journal: Journal) async -> Bool {
        let redis = RedisClient(self.configuration, name: "tempest:supervise", logger: self.logger, patience: .seconds(1))
        let reaper = ChildReaper(journal: journal) { try await Self.reap($0, redis, self.logger) }
        // Before anything else is started: it starts a process itself, and waits for it.
        let prefix = await ParentDeath.prefix()
        let orphans = Orphans()
        let around = Slot.Surroundings(
            journal: journal, readiness: ReadyWatch(redis), reaper: reaper, orphans: orphans, prefix: prefix,
            redisURL: self.redisURL)
        if around.prefix.isEmpty {
            journal.say("there is no setpriv (util-linux) here: workers would outlive a supervisor that is killed by SIGKILL")
        }
        let attendance = Attendance(journal: journal, total: self.groups.map(\.count).reduce(0, +), file: self.options.readyFile)
        let slots = self.slots(around, attendance)
        let rolls = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal(SIGTSTP, SIG_IGN)
        let halts = DispatchSource.makeSignalSource(signal: SIGTSTP)
        halts.setEventHandler { self.quiet(slots, journal) }
        halts.activate()
        defer { halts.cancel() }
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask { await around.readiness.run() }
            group.addTask { await orphans.run() }
            group.addTask { for await _ in rolls.stream { await self.roll(slots, journal) } }
            group.addTask {
                var asked = 0
                for await signal in signals {
                    switch signal {
                    case .sighup:
                        rolls.continuation.yield()
                    case .sigusr1:
                        self.quiet(slots, journal)
                    default:
                        asked += 1
                        journal.say(
                            asked == 1 ? "\(signal): asking the workers to end" : "\(signal): asking the workers once more")
                        reaper.stop()
                        for slot in slots { slot.stop() }
                    }
                }
            }
            let result = await withTaskGroup(of: Bool.self) { keeping in
                for slot in slots {
                    keeping.addTask {
                        defer { attendance.leave() }
                        return await slot.run()
                    }
                }
                return await keeping.reduce(true) { $0 && $1 }
            }
            group.cancelAll()
            return result
        }
        attendance.close()
        await redis.shutdown()
        journal.say(result ? "all workers have ended" : "all workers have ended, not all of them well")
        return result
    }

    private func slots(_ around: Slot.Surroundings, _ attendance: Attendance) -> [Slot] {
        var slots: [Slot] = []
        for group in self.groups {
            for index in 1...group.count {
                slots.append(Slot(group, index: index, colour: slots.count, around: around) { attendance.count($0) })
            }
        }
        return slots
    }

    /// Workers take SIGTSTP for: no new jobs. Control-Z is that too, as for a worker without a supervisor.
    private func quiet(_ slots: [Slot], _ journal: Journal) {
        journal.say("asking the workers to take no more jobs")
        for slot in slots { slot.send(SIGTSTP) }
    }

    /// Replaces all workers, one after the other, each only when its successor is ready.
    private func roll(_ slots: [Slot], _ journal: Journal) async {
        journal.say("SIGHUP: a rolling restart begins")
        for slot in slots {
            guard !Task.isCancelled else { return }
            guard await slot.replace() else {
                return journal.say("the rolling restart has stopped at \(slot.name), whose new worker did not get ready")
            }
        }
        journal.say("the rolling restart is done")
    }

    private static func reap(_ prefix: String, _ redis: RedisClient, _ logger: Logger) async throws -> Int {
        let reaper = Reaper(redis: redis, logger: logger)
        do {
            return try await reaper.reap(prefix: prefix)
        } catch let error as RedisError where error.code == .noFunction {
            // A server that was started anew, or whose functions somebody has flushed.
            try await redis.connection().flatMap { FunctionLoader.ensure(on: $0) }.get()
            return try await reaper.reap(prefix: prefix)
        }
    }
}

// The life signs of one incarnation on one queue: a tick each second or tenth of the shortest lease, from the beater's own event loop.
// What a tick brings back wakes the work loop, sets the clock, and shows who of the others is dead.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

final class QueueBeat: Sendable {
    private struct State {
        var observer = Observer()
        /// The connection of the last look: another one says nothing about how long counters have stood still.
        var connection: ObjectIdentifier?
        var interval: TimeAmount
        var next: Scheduled<Void>?
        var isUnderWay = false
        /// Somebody asked for a tick while one was under way.
        var again = false
        var reaping: Set<String> = []
        var isStopped = false
        var complaint = Complaint(every: .seconds(30))
        /// Since when each tick has seen jobs to be run alone.
        var suspectsSince: NIODeadline?
    }

    private static let longestInterval = TimeAmount.seconds(1)
    private static let shortestInterval = TimeAmount.milliseconds(10)
    /// How long suspects may wait before others than the keeper make room: the keeper may be quiet, or serve other levels.
    private static let suspectPatience = TimeAmount.seconds(30)

    let queue: QueueName
    let process: ProcessName
    private let levels: [RedisArgument]
    private let lease: TimeAmount
    let running: RunningJobs
    private let bell: Bell
    private let clock: ServerClock
    private let client: RedisClient
    private let reaper: Reaper
    private let outage: RedisOutage
    private let outageName: String
    private let logger: Logger
    private let state: Mutex<State>

    init(
        _ queue: QueueName, _ process: ProcessName, levels: [Level], lease: Duration, running: RunningJobs, bell: Bell,
        clock: ServerClock, client: RedisClient, outage: RedisOutage, logger: Logger
    ) {
        (self.queue, self.process, self.running, self.bell, self.clock) = (queue, process, running, bell, clock)
        (self.outage, outageName) = (outage, "beat \(queue)")
        self.levels = levels.map { .init($0.description) }
        self.lease = .nanoseconds(lease.nanoseconds)
        (self.client, self.reaper, self.logger) = (client, Reaper(redis: client, logger: logger), logger)
        self.state = Mutex(State(interval: Self.interval(self.lease)))
    }

    private static func interval(_ lease: TimeAmount) -> TimeAmount {
        min(longestInterval, max(shortestInterval, .nanoseconds(lease.nanoseconds / 10)))
    }

    func start() { tick() }

    func stop() {
        let next = state.withLock { state in
            state.isStopped = true
            defer { state.next = nil }
            return state.next
        }
        next?.cancel()
        outage.forget(outageName)
    }

    /// Ticks now rather than at its time.
    func tick() {
        let goes = state.withLock { state in
            if state.isUnderWay { state.again = true }
            guard !state.isUnderWay, !state.isStopped else { return false }
            state.next?.cancel()
            (state.next, state.isUnderWay, state.again) = (nil, true, false)
            return true
        }
        guard goes else { return }
        client.connection().whenComplete { result in
            switch result {
            case .failure(let error): self.failed(error)
            case .success(let connection): self.send(connection)
            }
        }
    }

    /// Cancels what runs and was cancelled while nobody here could hear of it.
    func askForCancelled() {
        let ids = running.ids
        guard !ids.isEmpty else { return }
        client.connection().flatMap { connection in
            connection.send(.fcall(FunctionLibrary.cancelled, key: self.queue.description, ids.map { .init($0) }))
        }.whenSuccess { reply in
            guard let answers = reply.array, answers.count == ids.count else { return }
            for (id, answer) in zip(ids, answers) where answer.integer == 1 { self.running.cancel(id) }
        }
    }

    private func send(_ connection: RedisConnection) {
        let note = running.note() ?? []
        let command = RedisCommand.fcall(
            FunctionLibrary.tick, key: queue.description, [.init(process.description), .init(note)] + levels)
        let sent = NIODeadline.now()
        connection.send(command, timeout: max(.seconds(1), .nanoseconds(lease.nanoseconds / 3))).whenComplete { result in
            do {
                self.heard(try TickReply(result.get()), sent: sent, connection)
            } catch {
                self.running.forgetNote()
                self.failed(error)
            }
        }
    }

    private func heard(_ reply: TickReply, sent: NIODeadline, _ connection: RedisConnection) {
        let heard = NIODeadline.now()
        clock.note(reply.now, sent: sent)
        let (dead, suspectsWait) = state.withLock { state in
            state.suspectsSince = reply.suspects > 0 ? state.suspectsSince ?? heard : nil
            let suspectsWait = state.suspectsSince.map { heard - $0 > Self.suspectPatience } ?? false
            if state.connection != ObjectIdentifier(connection) { state.observer.blind() }
            state.connection = ObjectIdentifier(connection)
            let dead = state.observer.look(reply.neighbours, sent: sent, heard: heard)
                .filter { state.reaping.insert($0.process).inserted }
            // The shortest lease asks for the closest look.
            state.interval = Self.interval(reply.neighbours.map(\.lease).min().map { min($0, lease) } ?? lease)
            return (state.isStopped ? [] : dead, suspectsWait)
        }
        outage.back(outageName)
        for neighbour in dead { reap(neighbour, connection) }
        var rings: Rings = .tick
        if reply.landed > 0 || reply.isWaiting { rings.insert(.landed) }
        if reply.suspects > 0 { rings.insert(reply.isKeeper || suspectsWait ? [.suspect, .makeRoom] : .suspect) }
        if reply.givesUpUnknown { rings.insert(.unknown) }
        bell.ring(rings)
        schedule(reply.due)
    }

    private func reap(_ neighbour: Neighbour, _ connection: RedisConnection) {
        reaper.reap(neighbour.process, of: queue, counter: neighbour.counter, on: connection).whenComplete { result in
            self.state.withLock { _ = $0.reaping.remove(neighbour.process) }
            if case .failure(let error) = result {
                self.logger.warning(
                    "could not take over the jobs of a dead process; trying again",
                    metadata: [LogKey.process: "\(neighbour.process)", LogKey.error: "\(error)"])
            }
        }
    }

    private func failed(_ error: any Error) {
        let isStopped = state.withLock { state in
            state.observer.blind()
            return state.isStopped
        }
        guard !isStopped else { return }
        switch (error as? RedisError)?.code {
        case .fenced:
            outage.back(outageName)
            stop()
            bell.ring(.fenced)
        case .noFunction:
            // The work loop connects anew, and loads the library.
            outage.back(outageName)
            bell.ring(.trouble)
            schedule(nil)
        case .permission:
            // Nobody keeps this queue in order while it lasts, and it does not pass by itself.
            outage.back(outageName)
            let words = "\(error)"
            if state.withLock({ $0.complaint.isDue(words) }) {
                logger.error("the beat cannot do its work", metadata: [LogKey.error: "\(words)"])
            }
            schedule(nil)
        default:
            outage.lost(outageName, error)
            schedule(nil)
        }
    }

    private func schedule(_ due: TimeAmount?) {
        let loop = client.eventLoop
        let again = state.withLock { state in
            state.isUnderWay = false
            guard !state.isStopped else { return false }
            if state.again || due == .zero { return true }
            state.next = loop.scheduleTask(in: min(state.interval, due ?? state.interval)) { self.tick() }
            return false
        }
        // In a turn of its own: a reply that says "at once" again and again must not nest.
        if again { loop.execute { self.tick() } }
    }
}

// Answers that go straight to the node that called, for a worker that may: connections kept by address, few of them, none for long. Before
// it: a handler's answer, in its envelope. After it: the node's word, and then the settlement.

import Logging
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis

final class DirectSender: Sendable {
    /// What became of an answer.
    enum End: Sendable, Equatable {
        /// The node has it, or nobody there wanted it: nothing more to do.
        case over
        /// The claim is gone or the job was interrupted: it must not be settled.
        case interrupted
    }

    private struct Place: Hashable {
        let target: AllowedNetworks.Target
        let port: Int
    }

    private struct Entry {
        /// nil between attempts.
        var link: EventLoopFuture<DirectLink>?
        /// Answers under way.
        var users = 0
        var used = NIODeadline.now()
        /// Since when nothing has reached it.
        var failing: NIODeadline?
    }

    private struct State {
        var entries: [Place: Entry] = [:]
        var isClosed = false
    }

    /// Nodes that connections are kept to at once.
    private static let mostNodes = 64
    /// How long a connection is kept that nothing goes over, and an address remembered at which nobody is.
    private static let idleTime = TimeAmount.seconds(60)
    /// How long a node may be away before its answers are dropped. One that was started anew has another port: it does not come back.
    private let patience: TimeAmount

    let rule: DirectRule
    private let loop: any EventLoop
    private let counters: Counters
    private let state = Mutex(State())

    init(_ rule: DirectRule, patience: TimeAmount = .seconds(10), on loop: any EventLoop, counters: Counters) {
        (self.rule, self.patience, self.loop, self.counters) = (rule, patience, loop, counters)
    }

    /// How many connections there are, or are being made.
    var connections: Int { state.withLock { $0.entries.values.count { $0.link != nil } } }

    /// Sends one answer and waits for the node's word; again, as long as `isHeld`, when it was lost on its way.
    func send(
        _ answer: Answer, of job: Job, host: String, port: Int, isHeld: () -> Bool, logger: Logger
    ) async -> End {
        guard let target = rule.allowed.target(host) else { return .over }
        let place = Place(target: target, port: port)
        var backoff = Backoff()
        while isHeld() {
            guard let link = enter(place) else {
                // As many nodes at once as there may be: one of them will be done.
                guard await pause(&backoff) else { return .interrupted }
                continue
            }
            do {
                let taken = try await tell(answer, of: job, try await link.get(), logger)
                leave(place, link, failed: false)
                note(taken ? "taken" : "refused")
                return .over
            } catch {
                let mayPass = leave(place, link, failed: true)
                if error is DirectLink.NoNode || !mayPass {
                    logger.warning(
                        "an answer was dropped", metadata: ["address": "\(job.respondTo ?? "")", LogKey.error: "\(error)"])
                    note(error is DirectLink.NoNode ? "refused" : "unreachable")
                    return .over
                }
                guard await pause(&backoff) else { return .interrupted }
            }
        }
        return .interrupted
    }

    /// True when the node took it; false when it did not want it. Throws when nobody knows.
    private func tell(_ answer: Answer, of job: Job, _ link: DirectLink, _ logger: Logger) async throws -> Bool {
        do {
            guard let words = try DirectPayload.words(for: answer, to: job, readsMeta: link.readsMeta) else {
                logger.warning(
                    "a node of the original cannot be told of a failure", metadata: ["address": "\(job.respondTo ?? "")"])
                return false
            }
            let reply = try await link.connection.execute(RedisCommand(words))
            if reply == .status("OK") { return true }
            logger.debug("nobody waits for an answer any more", metadata: ["address": "\(job.respondTo ?? "")"])
        } catch let error as RedisError where error.reply != nil || error.code == .badArgument {
            logger.warning(
                "a node refused an answer", metadata: ["address": "\(job.respondTo ?? "")", LogKey.error: "\(error.message)"])
        } catch let error as CodecError {
            logger.warning(
                "an answer cannot be written as JSON", metadata: [LogKey.job: "\(job.id)", LogKey.error: "\(error)"])
        }
        return false
    }

    private func note(_ outcome: String) { counters.add(to: MetricName.direct, ["outcome": outcome]) }

    /// False when the task was cancelled.
    private func pause(_ backoff: inout Backoff) async -> Bool {
        (try? await Task.sleep(nanoseconds: UInt64(max(0, backoff.next().nanoseconds)))) != nil
    }

    // MARK: Connections

    /// The connection to a node, made if there is none; nil when there are too many others that are in use.
    private func enter(_ place: Place) -> EventLoopFuture<DirectLink>? {
        let promise = loop.makePromise(of: DirectLink.self)
        let (link, isNew, goes) = state.withLock { state -> (EventLoopFuture<DirectLink>?, Bool, [EventLoopFuture<DirectLink>]) in
            if state.isClosed { return (loop.makeFailedFuture(RedisError(.closed, "the worker has ended")), false, []) }
            let now = NIODeadline.now()
            if let link = state.entries[place]?.link {
                state.entries[place]?.users += 1
                state.entries[place]?.used = now
                return (link, false, [])
            }
            // Whoever is not needed makes room.
            var goes: [EventLoopFuture<DirectLink>] = []
            let idle = state.entries.filter { $0.value.users == 0 && $0.key != place }.sorted { $0.value.used < $1.value.used }
            for (other, entry) in idle
            where now - entry.used > Self.idleTime || state.entries.count >= Self.mostNodes && state.entries[place] == nil {
                if let link = entry.link { goes.append(link) }
                state.entries[other] = nil
            }
            guard state.entries[place] != nil || state.entries.count < Self.mostNodes else { return (nil, false, goes) }
            var entry = state.entries[place] ?? Entry()
            entry.link = promise.futureResult
            entry.users += 1
            entry.used = now
            state.entries[place] = entry
            return (promise.futureResult, true, goes)
        }
        for link in goes { link.whenSuccess { $0.connection.close() } }
        guard isNew else {
            promise.fail(RedisError(.closed, "not needed"))
            return link
        }
        DirectLink.open(place.target, port: place.port, on: loop).whenComplete { result in
            if case .success(let link) = result {
                link.connection.closeFuture.whenComplete { _ in self.lost(place, promise.futureResult) }
            }
            promise.completeWith(result)
        }
        return link
    }

    /// A connection has ended: the next answer makes another.
    private func lost(_ place: Place, _ link: EventLoopFuture<DirectLink>) {
        state.withLock { state in
            guard let present = state.entries[place]?.link, present == link else { return }
            state.entries[place]?.link = nil
        }
    }

    /// One answer less is under way. After a failure, whether the node may still come back.
    @discardableResult
    private func leave(_ place: Place, _ link: EventLoopFuture<DirectLink>, failed: Bool) -> Bool {
        state.withLock { state in
            guard var entry = state.entries[place], !state.isClosed else { return false }
            entry.users -= 1
            entry.failing = failed ? entry.failing ?? .now() : nil
            if failed, entry.link == link { entry.link = nil }
            state.entries[place] = entry
            return entry.failing.map { .now() - $0 < patience } ?? true
        }
    }

    /// Hangs up everywhere.
    func close() async {
        let links = state.withLock { state in
            state.isClosed = true
            defer { state.entries = [:] }
            return state.entries.values.compactMap(\.link)
        }
        // All at once: a node takes its time to hang up, too.
        let closing = links.map { link in link.flatMap { $0.connection.close() } }
        for link in closing { try? await link.get() }
    }
}

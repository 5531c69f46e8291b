// What this process holds of one queue, and the one place where outcomes are applied: each settlement goes to Redis together with
// whatever else is ready by then (batches form by themselves), and only Redis' word ends a claim.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

/// The end of one claim, as `settle` takes it.
struct Settlement: Sendable {
    var claim: Claim
    /// As `settle` in protocol/tempest.lua takes it: `done`, `failed`, `retry <ms>`, `dead <reason> <detail>` and so on.
    var outcome: String
    var inbox: String
    var answer: [UInt8]
    /// For the metric: the action and the outcome's name.
    var action: String
    var name: String
    /// Redis has refused it, or others beside it: it goes alone.
    var isApart = false
    /// It was sent before, and the reply was lost: what the next reply says of the claim may be due to itself.
    var wasSent = false

    /// The outcome for a log.
    var wanted: String { ErrorText.cut(outcome, most: 200) }

    var again: Settlement {
        var copy = self
        copy.wasSent = true
        return copy
    }

    /// Dead, in the place of what Redis has refused; its caller gets the answer all the same.
    func refused(_ error: any Error) -> Settlement {
        var copy = self
        copy.outcome = "\(Self.refusal)\(ErrorText.line(error, most: JobRules.longestError))"
        (copy.name, copy.isApart) = ("dead", true)
        if outcome.hasPrefix("retry ") || outcome.hasPrefix("next ") { copy.answer = [] }
        return copy
    }

    private static let refusal = "dead refused "

    /// Nothing simpler can be asked of Redis.
    var wasRefused: Bool { outcome.hasPrefix(Self.refusal) }
}

final class ClaimLedger: Sendable {
    private struct State {
        /// Claims whose jobs run, or are about to: each has a slot.
        var running: Set<Claim> = []
        /// Claims whose settlement waits or is under way: still held, but without a slot.
        var ended: Set<Claim> = []
        var pending: [Settlement] = []
        var inFlight: [Settlement] = []
        var connection: RedisConnection?
        var process: ProcessName?
        /// Why the last connection is gone.
        var failure: (any Error)?
        /// More is about to be submitted: what there is waits for it.
        var isCorked = false
        /// Slots that became free meanwhile.
        var freed = 0
    }

    /// Bytes of answers in one settle, beyond the first.
    private static let flushBytes = 4 << 20

    private let queue: QueueName
    private let slots: Slots
    private let bell: Bell
    private let logger: Logger
    private let counters: Counters
    private let state = Mutex(State())

    private struct Ending: Equatable {
        var action: String
        var outcome: String
    }

    init(queue: QueueName, slots: Slots, bell: Bell, counters: Counters, logger: Logger) {
        (self.queue, self.slots, self.bell, self.counters, self.logger) = (queue, slots, bell, counters, logger)
    }

    /// The claims of this process: run, or waiting to be settled.
    var held: Set<Claim> { state.withLock { $0.running.union($0.ended) } }

    var isEmpty: Bool { state.withLock { $0.running.isEmpty && $0.ended.isEmpty } }

    /// The claims whose jobs have not ended.
    var running: Set<Claim> { state.withLock { $0.running } }

    /// How many have ended and are not settled yet.
    var unsettled: Int { state.withLock { $0.ended.count } }

    /// A call that goes beside settlements has failed.
    func failed(_ error: RedisError, by process: ProcessName) {
        let isCurrent = state.withLock { state in
            guard state.process == process else { return false }
            state.failure = error
            return true
        }
        if isCurrent { bell.ring(error.code == .fenced ? .fenced : .trouble) }
    }

    /// What went wrong with the connection of the present session, if that was noticed here.
    var failure: (any Error)? { state.withLock { $0.failure } }

    /// The connection of the present session, for what goes beside settlements; nil without one, and for an earlier incarnation.
    func connection(of process: ProcessName) -> RedisConnection? {
        state.withLock { $0.process == process ? $0.connection : nil }
    }

    /// Settlements go out by this connection from now on; those that an earlier one did not confirm go again, which harms nothing.
    func attach(_ connection: RedisConnection, process: ProcessName) {
        state.withLock { state in
            // What another incarnation had claimed is not ours to settle.
            state.pending = state.process == process ? state.inFlight.map(\.again) + state.pending : []
            state.inFlight = []
            (state.connection, state.process, state.failure) = (connection, process, nil)
        }
        flush()
    }

    /// No connection: settlements wait for the next.
    func detach() {
        state.withLock { $0.connection = nil }
    }

    /// Enters claimed jobs, each of which has a slot.
    func enter(_ claims: some Sequence<Claim>) {
        state.withLock { $0.running.formUnion(claims) }
    }

    /// These claims are no longer ours (given back, fenced): their outcomes will be dropped, their slots are free.
    func abandon(_ claims: Set<Claim>) {
        let gone = state.withLock { state in
            var gone = 0
            for claim in claims {
                if state.running.remove(claim) != nil { gone += 1 } else { state.ended.remove(claim) }
            }
            state.pending.removeAll { claims.contains($0.claim) }
            return gone
        }
        slots.release(gone)
        bell.ring(.slot)
    }

    func holds(_ claim: Claim) -> Bool { state.withLock { $0.running.contains(claim) || $0.ended.contains(claim) } }

    /// Whether a handler that was begun as `process` still has its claim: a later incarnation uses the names of fields again.
    func holds(_ claim: Claim, by process: ProcessName) -> Bool {
        state.withLock { $0.process == process && $0.running.contains(claim) }
    }

    /// Settlements wait from now on, until ``uncork()``: the work loop is about to end many jobs at once.
    func cork() { state.withLock { $0.isCorked = true } }

    func uncork() {
        let freed = state.withLock { state in
            defer { (state.isCorked, state.freed) = (false, 0) }
            return state.freed
        }
        slots.release(freed)
        flush()
    }

    /// Applies an outcome, and frees the slot; dropped if the claim is not `process`'s any more.
    func submit(_ settlement: Settlement, by process: ProcessName) {
        let isReady = state.withLock { state in
            guard state.process == process, state.running.remove(settlement.claim) != nil else { return false }
            state.ended.insert(settlement.claim)
            state.pending.append(settlement)
            if state.isCorked { state.freed += 1 }
            return !state.isCorked
        }
        guard isReady else { return }
        slots.release(1)
        flush()
    }

    /// A claim ended in another way than by settling: given back by its handler's end.
    func abandon(_ claim: Claim, by process: ProcessName) {
        if holds(claim, by: process) { abandon([claim]) }
    }

    private func flush() {
        let batch = state.withLock { state -> (RedisConnection, ProcessName, [Settlement])? in
            guard state.inFlight.isEmpty, !state.isCorked, !state.pending.isEmpty, let connection = state.connection,
                let process = state.process
            else { return nil }
            var (count, bytes) = (0, 0)
            let isApart = state.pending[0].isApart
            let most = isApart ? 1 : min(state.pending.count, FunctionLibrary.largestBatch)
            while count < most, bytes < Self.flushBytes, state.pending[count].isApart == isApart {
                bytes += state.pending[count].answer.count
                count += 1
            }
            if count == state.pending.count {
                (state.inFlight, state.pending) = (state.pending, [])
            } else {
                state.inFlight = Array(state.pending[..<count])
                state.pending.removeSubrange(..<count)
            }
            return (connection, process, state.inFlight)
        }
        guard let (connection, process, settlements) = batch else { return }
        var arguments: [RedisArgument] = [.init(process.description)]
        arguments.reserveCapacity(1 + 4 * settlements.count)
        for settlement in settlements {
            arguments.append(.init(settlement.claim.description))
            arguments.append(.init(settlement.outcome))
            arguments.append(.init(settlement.inbox))
            arguments.append(.init(settlement.answer))
        }
        connection.send(.fcall(FunctionLibrary.settle, key: queue.description, arguments)).whenComplete { result in
            switch result {
            case .success(let reply): self.confirmed(settlements, by: process, reply.array ?? [])
            case .failure(let error): self.failed(settlements, by: connection, error)
            }
        }
    }

    private func confirmed(_ settlements: [Settlement], by process: ProcessName, _ replies: [RedisReply]) {
        state.withLock { state in
            // A reply to an incarnation that has ended says nothing about the present one's claims.
            guard state.process == process else { return }
            state.inFlight = []
            for settlement in settlements { state.ended.remove(settlement.claim) }
        }
        bell.ring(.slot)
        // Batches are mostly of one kind: counted in runs, not one by one.
        var (ending, count) = (Ending(action: "", outcome: ""), 0)
        for (index, settlement) in settlements.enumerated() {
            let word = index < replies.count ? replies[index].integer ?? 0 : 0
            if word != 1 { say(word, settlement) }
            let next = Ending(action: settlement.action, outcome: word == 0 ? "stale" : settlement.name)
            if next != ending {
                note(ending, count)
                (ending, count) = (next, 0)
            }
            count += 1
        }
        note(ending, count)
        flush()
    }

    /// What a reply other than 1 means: no claim any more, or no inbox.
    private func say(_ word: Int64, _ settlement: Settlement) {
        let message: Logger.Message
        switch word {
        case 0 where settlement.wasSent: return
        case 0: message = "a job was given to another process while it ran: what it came to is dropped"
        default: message = "an answer could not be delivered and is dropped"
        }
        var metadata: Logger.Metadata = [LogKey.action: "\(settlement.action)", LogKey.claim: "\(settlement.claim)"]
        if word == 2 { metadata.merge(["inbox": "\(settlement.inbox)", LogKey.error: "the inbox is not a list"]) { $1 } }
        logger.warning(message, metadata: metadata)
    }

    private func note(_ ending: Ending, _ count: Int) {
        counters.add(
            count, to: MetricName.settled,
            ["queue": queue.description, "action": ending.action, "outcome": ending.outcome])
    }

    private func failed(_ settlements: [Settlement], by connection: RedisConnection, _ error: any Error) {
        let code = (error as? RedisError)?.code
        // Where what is put aside is refused, the functions are those of an earlier version: a new session loads ours.
        let isSimplest = settlements.count == 1 && (settlements[0].wasRefused || settlements[0].outcome.hasPrefix("unknown "))
        if Self.isRefusal(error), !isSimplest {
            return refused(settlements, by: connection, error)
        }
        let isCurrent = state.withLock { state in
            guard state.connection === connection else { return false }
            state.pending.insert(contentsOf: settlements.map(\.again), at: 0)
            (state.inFlight, state.connection, state.failure) = ([], nil, error)
            return true
        }
        guard isCurrent else { return }
        logger.debug("settling failed; it is tried again", metadata: [LogKey.error: "\(error)"])
        bell.ring(code == .fenced ? .fenced : .trouble)
    }

    /// Whether it is what was asked that Redis does not take: the same would be refused for ever. Anything else may pass: a full disk
    /// (MISCONF), a right that is missing.
    private static func isRefusal(_ error: any Error) -> Bool {
        guard let error = error as? RedisError, let reply = error.reply else { return false }
        if error.code == .badArgument || error.code == .wrongType { return true }
        return reply.hasPrefix("ERR ") && reply.contains("@user_function") && error.code != .permission
    }

    /// Nothing of the batch was settled. Each goes alone, so that one that is refused does not hold up the others; that one is dead.
    private func refused(_ settlements: [Settlement], by connection: RedisConnection, _ error: any Error) {
        let isAlone = settlements.count == 1
        let isCurrent = state.withLock { state in
            guard state.connection === connection else { return false }
            let apart = settlements.map { settlement in
                var settlement = isAlone ? settlement.refused(error) : settlement
                settlement.isApart = true
                return settlement
            }
            state.pending.insert(contentsOf: apart, at: 0)
            state.inFlight = []
            return true
        }
        guard isCurrent else { return }
        if isAlone {
            let settlement = settlements[0]
            logger.error(
                "a job is dead",
                metadata: [
                    LogKey.action: "\(settlement.action)", LogKey.claim: "\(settlement.claim)", LogKey.reason: "refused",
                    "outcome": "\(settlement.wanted)", LogKey.error: "\(error)",
                ])
        }
        flush()
    }
}

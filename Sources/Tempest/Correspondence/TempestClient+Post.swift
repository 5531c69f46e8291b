// Pushing letters and listening to the answers of one job id: the two halves of every correspondence, apart for those who need them
// apart, as a WebSocket's connection does.

package import NIOCore
package import TempestProtocol
import TempestRedis

extension TempestClient {
    /// Registers who gets the answers to a job id, until ``leave(_:queue:)``; returns the inbox that respond_to is to name.
    ///
    /// The receiver is called on an event loop and must not block. Throws ``RedisError`` when the inbox cannot be opened until the deadline,
    /// and ``CallError`` after shutdown.
    package func attend(
        _ id: JobID, queue: QueueName, until deadline: NIODeadline, receiver: @escaping @Sendable (InboxNote) -> Bool
    ) async throws -> InboxID {
        var open: Inbox?
        try await again(until: deadline, unless: { false }) { open = try await inbox(queue, for: .zero) }
        guard let open else { throw CancellationError() }
        open.expect(id, receiver)
        return open.id
    }

    /// From now on answers to this id are late.
    package func leave(_ id: JobID, queue: QueueName) {
        if isOriginal(queue) { direct.forget(id) } else { openInbox(queue)?.forget(id) }
    }

    /// Opens the inbox of a queue before it is needed, and says so in ``readiness``.
    package func open(_ queue: QueueName) async throws {
        if isOriginal(queue) { try await direct.open().get() } else { _ = try await inbox(queue, for: .zero) }
    }

    /// Pushes a letter: `respondTo` is what ``attend(_:queue:receiver:)`` returned, or nil.
    ///
    /// After a lost connection nobody knows whether the push has arrived, so it is pushed again, with the same id, until `deadline` or
    /// `isAnswered`: like a crash of its worker this can make a job run twice, and never lets its caller hear of it twice. A letter that says
    /// `once` is not pushed again then.
    /// Throws ``RedisError`` with the last reason, or ``CallError`` when a letter that says `once` may have arrived.
    ///
    /// - Parameter wait: how long its caller waits for an answer: the job is not begun after that.
    package func post(
        _ letter: Letter, respondTo: InboxID?, until deadline: NIODeadline, wait: Duration? = nil,
        isAnswered: () -> Bool = { false }
    ) async throws {
        var letter = letter
        if let wait, let now = serverClock.now { letter.meta["deadline"] = .int(now + wait.nanoseconds / 1_000_000) }
        let payload = try payload(of: letter, respondTo: respondTo)
        let key = Keys.level(letter.queue, letter.level)
        try await again(until: deadline, unless: isAnswered) { try await push(letter, to: key, payload) }
        counters.add(to: MetricName.pushed, ["queue": letter.queue.description])
    }

    /// Pushes once. Whoever must not push it twice hears of doubt as of an interruption.
    func push(_ letter: Letter, to key: String, _ payload: [UInt8]) async throws {
        do throws(RedisError) { try await pushes.push(key, payload) } catch { throw reason(error, letter) }
    }

    /// What a failed push of the letter means.
    func reason(_ error: RedisError, _ letter: Letter) -> any Error {
        guard letter.isOnce, error.leavesDoubt else { return error }
        return CallError(.interrupted, "Redis was lost while the job was pushed: it may have been carried out", job: letter.id)
    }

    /// The bytes of its job.
    func payload(of letter: Letter, respondTo: InboxID?) throws -> [UInt8] {
        let draft = try JobDraft(
            action: letter.action, args: letter.args, count: letter.count, respondTo: respondTo, id: letter.id, meta: letter.meta)
        return try letter.codec.encode(draft, limits: options.limits)
    }

    /// Tries until it succeeds, the deadline passes, or nobody needs it any more.
    func again(until deadline: NIODeadline, unless isOver: () -> Bool, _ action: () async throws -> Void) async throws {
        var backoff = Backoff()
        while true {
            do {
                return try await action()
            } catch let error as RedisError where error.mayPass {
                if isOver() { return }
                let delay = backoff.next()
                guard NIODeadline.now() + delay < deadline else { throw error }
                try await Task.sleep(for: .nanoseconds(delay.nanoseconds))
            }
        }
    }
}

extension RedisError {
    /// Whether the command may have run although there is no reply.
    var leavesDoubt: Bool {
        guard !wasNotSent else { return false }
        return code == .connectionLost || code == .timedOut || code == .closed
    }

    /// Whether Redis, or the way to it, is away for a while: trying again may help.
    package var mayPass: Bool {
        let passing: [Code] = [.connectionLost, .timedOut, .refused, .unreachable, .loading, .readOnly, .noFunction]
        return passing.contains(code)
    }
}

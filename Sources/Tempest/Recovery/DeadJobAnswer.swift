// Tells the caller of a job that died with its worker that no answer will come.

import Logging
import NIOCore
import TempestCodecs
import TempestProtocol
import TempestRedis

struct DeadJobAnswer {
    /// Why a job is dead when its process has gone.
    enum Reason {
        /// It crashed every process that ran it.
        case poison
        /// It was to be run once, and was begun.
        case interrupted

        var failure: Failure {
            switch self {
            case .poison: Failure(code: Failure.poison, message: "the job crashed every process that ran it")
            case .interrupted:
                Failure(code: Failure.interrupted, message: "its worker ended while it ran; it may have been carried out")
            }
        }
    }

    let queue: QueueName
    let logger: Logger

    enum Outcome: Equatable {
        /// The caller is told, or there is none.
        case told
        /// Redis does not take the answer now, for this reason.
        case refused(String)
    }

    /// Fails with the connection.
    func send(_ reason: Reason, _ payload: [UInt8], on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let job = try? Job(payload, codecs: .standard, limits: .standard)
        var metadata: Logger.Metadata = [LogKey.queue: "\(queue)"]
        if let job { metadata.merge(Self.fields(job)) { $1 } }
        return push(reason, job, on: connection).map { [metadata] outcome in
            // Whoever is refused is returned again and again.
            if outcome == .told { self.log(reason, metadata) }
            return outcome
        }
    }

    private static func fields(_ job: Job) -> Logger.Metadata {
        [
            LogKey.job: "\(ErrorText.cut("\(job.id)", most: 100))", LogKey.action: "\(ErrorText.cut(job.action, most: 100))",
        ]
    }

    private func log(_ reason: Reason, _ metadata: Logger.Metadata) {
        let failure = reason.failure
        let why: Logger.Metadata = [LogKey.reason: "\(failure.code)", LogKey.error: "\(failure.message)"]
        logger.error("a job is dead", metadata: metadata.merging(why) { $1 })
    }

    private func push(_ reason: Reason, _ job: Job?, on connection: RedisConnection) -> EventLoopFuture<Outcome> {
        let isOver = connection.eventLoop.makeSucceededFuture(Outcome.told)
        guard let job, let address = job.address else { return isOver }
        let (inbox, home): (InboxID, QueueName)
        switch address {
        case .inbox(let id): (inbox, home) = (id, queue)
        case .elsewhere(let id, let other): (inbox, home) = (id, other)
        case .direct: return isOver
        }
        let draft = AnswerDraft(action: job.action, id: job.answerID, error: reason.failure)
        guard let answer = try? job.answerCodec(of: .standard).encode(draft) else { return isOver }
        return connection.send(["RPUSH", .init(Keys.inbox(home, inbox)), .init(answer)])
            .flatMap { _ in Self.expire(inbox, of: home, on: connection) }
            .map { Outcome.told }
            .flatMapErrorThrowing { error in
                guard (error as? RedisError)?.reply != nil else { throw error }
                return .refused("\(error)")
            }
    }

    /// Answers that nobody is registered to read expire. Without the right to see to that they stay: the answer has arrived all the same,
    /// and must not be pushed again.
    private static func expire(
        _ inbox: InboxID, of queue: QueueName, on connection: RedisConnection
    ) -> EventLoopFuture<Void> {
        connection.send(["HEXISTS", .init(Keys.inboxes(queue)), .init(inbox.description)])
            .flatMap { registered in
                guard registered.integer == 0 else { return connection.eventLoop.makeSucceededVoidFuture() }
                let key = Keys.inbox(queue, inbox)
                return connection.send(["EXPIRE", .init(key), .init(FunctionLibrary.orphanSeconds)]).map { _ in }
            }
            .flatMapErrorThrowing { error in
                guard (error as? RedisError)?.reply != nil else { throw error }
            }
    }
}

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

    /// Whether the caller is told, or there is none; false when Redis does not take the answer now. Fails with the connection.
    func send(_ reason: Reason, _ payload: [UInt8], on connection: RedisConnection) -> EventLoopFuture<Bool> {
        let isOver = connection.eventLoop.makeSucceededFuture(true)
        let job = try? Job(payload, codecs: .standard, limits: .standard)
        var metadata: Logger.Metadata = [LogKey.queue: "\(queue)"]
        if let job { metadata.merge([LogKey.job: "\(job.id)", LogKey.action: "\(job.action)"]) { $1 } }
        switch reason {
        case .poison: logger.error("a job crashed its process again and again: recorded as dead", metadata: metadata)
        case .interrupted:
            logger.warning("a job that is to be run once was interrupted: recorded as dead", metadata: metadata)
        }
        guard let job, let address = job.address else { return isOver }
        let (inbox, home): (InboxID, QueueName)
        switch address {
        case .inbox(let id): (inbox, home) = (id, queue)
        case .elsewhere(let id, let other): (inbox, home) = (id, other)
        case .direct: return isOver
        }
        let draft = AnswerDraft(action: job.action, id: job.answerID, error: reason.failure)
        guard let answer = try? job.codec.encode(draft) else { return isOver }
        let key = Keys.inbox(home, inbox)
        return connection.send(["RPUSH", .init(key), .init(answer)])
            .flatMap { _ in connection.send(["HEXISTS", .init(Keys.inboxes(home)), .init(inbox.description)]) }
            .flatMap { registered in
                guard registered.integer == 0 else { return isOver }
                return connection.send(["EXPIRE", .init(key), .init(FunctionLibrary.orphanSeconds), "NX"]).map { _ in true }
            }
            .flatMapErrorThrowing { [metadata] error in
                guard (error as? RedisError)?.reply != nil else { throw error }
                let metadata = metadata.merging([LogKey.error: "\(error)"]) { $1 }
                logger.warning("the caller of a dead job cannot be told now", metadata: metadata)
                return false
            }
    }
}

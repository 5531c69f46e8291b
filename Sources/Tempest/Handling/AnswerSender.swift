// Sends the answers of one job that are not its last (protocol/answers.md, "One answer, or several"), and counts them, so that the
// last one bears the same token and the next number.

import Synchronization
import TempestCodecs
import TempestProtocol

final class AnswerSender: Sendable {
    /// Pushes bytes as a part of the answer; false when the claim is gone.
    typealias Push = @Sendable ([UInt8]) async throws -> Bool

    private let job: Job
    private let token: String
    private let codec: any Codec
    private let push: Push
    private let gauge: CreditGauge?
    private let sent = Mutex(0)

    init(job: Job, token: String, codec: any Codec, gauge: CreditGauge?, push: @escaping Push) {
        (self.job, self.token, self.codec, self.gauge, self.push) = (job, token, codec, gauge, push)
    }

    func send(_ value: TokenBuffer) async throws {
        guard job.address != nil else { return }
        try await gauge?.wait(for: sent.withLock { $0 })
        let seq = sent.withLock { count in
            defer { count += 1 }
            return count
        }
        let meta: ValueMap = ["more": true, "seq": .int(Int64(seq)), "token": .text(token)]
        let answer = AnswerDraft(action: job.action, id: job.id, args: value, count: 1, meta: meta)
        guard try await push(codec.encode(answer)) else { throw CancellationError() }
    }

    /// What the last answer must say besides its args: nothing, if it is the only one.
    var closing: ValueMap {
        let count = sent.withLock { $0 }
        return count == 0 ? [:] : ["seq": .int(Int64(count)), "token": .text(token)]
    }
}

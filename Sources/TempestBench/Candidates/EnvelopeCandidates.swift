// The envelope alone: what a queue costs around the arguments.
// Before it: arguments of a job. After it: Rounds.

import TempestCodecs
import TempestProtocol

/// A job and an answer, read and written, their arguments untouched.
enum EnvelopeCandidates {
    static let name = "envelope"
    static let about = "a job and an answer around the arguments of `job`, which stay as they are"

    /// The candidates of a codec.
    static func all(_ arguments: Payload, codec: some Codec) throws -> [Candidate] {
        var buffer = TokenBuffer()
        try arguments.value.write(to: &buffer)
        let id = JobID.text("k3v9q7m2x5p8w1t4z6r0n3b7d5")
        let job = try JobDraft(action: "deliver", args: buffer, count: 1, respondTo: InboxID("in0k3v9q7m2x5p8w1"), id: id)
        let answer = AnswerDraft(action: "deliver", id: id, args: buffer, count: 1)
        let jobBytes = try codec.encode(job)
        let answerBytes = try codec.encode(answer)
        func key(_ kind: CandidateKey.Kind, _ direction: CandidateKey.Direction) -> CandidateKey {
            CandidateKey(CandidateKey.tempest, codec.name, kind, direction)
        }
        return [
            Candidate(key(.job, .decode), bytes: jobBytes.count) {
                let job = try Job(jobBytes, codecs: .standard, limits: .standard)
                return job.args.count &+ job.action.utf8.count
            },
            Candidate(key(.job, .encode), bytes: jobBytes.count) { try codec.encode(job).count },
            Candidate(key(.answer, .decode), bytes: answerBytes.count) {
                let answer = try Answer(answerBytes, codecs: .standard, limits: .standard)
                return answer.args.count &+ answer.action.utf8.count
            },
            Candidate(key(.answer, .encode), bytes: answerBytes.count) { try codec.encode(answer).count },
        ]
    }
}

// What must hold for any bytes that come out of a queue or an inbox: a reason for the dead record, or a job that survives being
// written again. Before it: the entry point of the envelope's fuzzer. After it: nothing.

import TempestCodecs
import TempestProtocol

/// Checks the bytes as a job.
func checkJob(_ bytes: [UInt8]) {
    let job: Job
    do throws(Malformed) {
        job = try Job(bytes, codecs: .standard, limits: .standard)
    } catch {
        return checkMalformed(error, bytes)
    }
    expect((1...Job.longestAction).contains(job.action.utf8.count), "an action of \(job.action.utf8.count) bytes")
    if case .text(let id) = job.id { expect((1...Job.longestID).contains(id.utf8.count), "an id of \(id.utf8.count) bytes") }
    expect((job.respondTo == nil) == (job.address == nil), "respond_to without address")

    var fields: [Value] = [.text(job.action), job.args.value, job.respondTo.map(Value.text) ?? .null, value(of: job.id)]
    if !job.meta.isEmpty { fields.append(.map(job.meta)) }
    let written = certain("writing a job's fields") { try job.codec.encodeAny(Value.array(fields)) }
    compare(job, written)

    // As a producer writes it; only an inbox of the same queue can be given there.
    let inbox: InboxID?
    switch job.address {
    case nil: inbox = nil
    case .inbox(let id): inbox = id
    default: return
    }
    let draft = certain("drafting a job") {
        try JobDraft(
            action: job.action, args: recording(job.args), count: job.args.count, respondTo: inbox, id: job.id, meta: job.meta)
    }
    let drafted = certain("writing a draft") { try job.codec.encodeAny(draft) }
    expect(drafted == written, "a draft of the job is written in another way")
}

/// Checks the bytes as an answer.
func checkAnswer(_ bytes: [UInt8]) {
    let answer: Answer
    do throws(Malformed) {
        answer = try Answer(bytes, codecs: .standard, limits: .standard)
    } catch {
        return checkMalformed(error, bytes)
    }
    _ = (answer.more, answer.seq, answer.token, answer.error)
    let draft = AnswerDraft(
        action: answer.action, id: answer.id, args: recording(answer.args), count: answer.args.count, meta: answer.meta)
    let written = certain("writing an answer") { try answer.codec.encodeAny(draft) }
    let again = certain("reading an answer that was written") { try Answer(written, codecs: .standard, limits: .standard) }
    expect(
        same(again.action, answer.action) && again.id == answer.id && identical(again.args.value, answer.args.value)
            && identical(.map(again.meta), .map(answer.meta)) && again.error == answer.error && again.more == answer.more
            && again.seq == answer.seq && again.token == answer.token && again.codec.name == answer.codec.name,
        "an answer came back as another")
}

private func compare(_ job: Job, _ written: [UInt8]) {
    let again = certain("reading a job that was written") { try Job(written, codecs: .standard, limits: .standard) }
    expect(
        same(again.action, job.action) && again.id == job.id && identical(again.args.value, job.args.value)
            && again.respondTo == job.respondTo && again.address == job.address && identical(.map(again.meta), .map(job.meta))
            && again.codec.name == job.codec.name,
        "a job came back as another")
}

/// The reason fits the bytes, and the sentence is there.
private func checkMalformed(_ error: Malformed, _ bytes: [UInt8]) {
    expect(!error.detail.isEmpty && error.detail.utf8.count < 2000, "a sentence of \(error.detail.utf8.count) bytes")
    var isReadable = false
    if let codec = CodecSet.standard.detect(bytes) {
        do throws(CodecError) {
            _ = try codec.parse(bytes)
            isReadable = true
        } catch {
            checkRefusal(error, codec.name, bytes.count)
        }
    }
    expect(isReadable == (error.reason != .badCodec), "\(error.reason) for bytes that are \(isReadable ? "" : "not ")readable")
}

private func recording(_ args: Node) -> TokenBuffer {
    certain("recording arguments") {
        var buffer = TokenBuffer()
        for argument in args.elements { try argument.write(to: &buffer) }
        return buffer
    }
}

private func value(of id: JobID) -> Value {
    switch id {
    case .text(let text): .text(text)
    case .integer(let integer): Value(integer)
    }
}

private func same(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
}

extension Codec {
    /// Opens the existential.
    fileprivate func encodeAny(_ value: some TokenWritable) throws(CodecError) -> [UInt8] {
        try encode(value)
    }
}

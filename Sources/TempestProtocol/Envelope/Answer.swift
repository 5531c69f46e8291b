// One message to respond_to: `[action, job_id, args]` and meta when needed. Before it: a handler's outcome, or an inbox.
// After it: settle, or the caller that waits.

package import TempestCodecs

/// An answer as it is written by a worker.
package struct AnswerDraft: TokenWritable, Sendable {
    package var action: String
    package var id: JobID
    package var args: TokenBuffer
    package var count: Int
    package var meta: ValueMap

    package init(action: String, id: JobID, args: TokenBuffer, count: Int, meta: ValueMap = [:]) {
        (self.action, self.id, self.args, self.count, self.meta) = (action, id, args, count, meta)
    }

    /// An error answers a job with no args: `meta.error` says what happened.
    package init(action: String, id: JobID, error: Failure, meta: ValueMap = [:]) {
        var meta = meta
        var map: ValueMap = ["code": .text(error.code), "message": .text(error.message)]
        if let details = error.details { map["details"] = details }
        meta["error"] = .map(map)
        self.init(action: action, id: id, args: TokenBuffer(), count: 0, meta: meta)
    }

    /// Takes away the details of its error, which alone may be of any kind; false if there are none.
    package mutating func leaveOutDetails() -> Bool {
        guard case .map(var error)? = meta["error"], error["details"] != nil else { return false }
        error["details"] = nil
        meta["error"] = .map(error)
        return true
    }

    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: meta.isEmpty ? 3 : 4)
        try writer.text(action)
        try id.write(to: &writer)
        try writer.beginArray(count: count)
        try args.write(to: &writer)
        try writer.endArray()
        if !meta.isEmpty { try Value.map(meta).write(to: &writer) }
        try writer.endArray()
    }
}

/// An answer as a caller reads it from its inbox.
package struct Answer: Sendable {
    package let action: String
    package let id: JobID
    package let args: Node
    package let meta: ValueMap
    package let codec: any Codec
    /// Bytes of the whole.
    package let size: Int

    package var more: Bool { meta["more"] == .bool(true) }
    package var seq: Int64 { place ?? 0 }
    /// `seq`, if it says one.
    package var place: Int64? {
        switch meta["seq"] {
        case .int(let seq)? where seq >= 0: seq
        // Beyond 2^63: further than anything that is waited for.
        case .uint(let seq)?: Int64(clamping: seq)
        default: nil
        }
    }
    package var token: String? { meta["token"]?.envelopeText(codec) }
    /// Why the job failed; nil if it did not. One that is not as the protocol says is still an error.
    package var error: Failure? {
        guard let error = meta["error"], !error.isNull else { return nil }
        let code = error["code"]?.envelopeText(codec) ?? ""
        return Failure(
            code: code.isEmpty ? Failure.handler : code, message: error["message"]?.envelopeText(codec) ?? "the handler failed",
            details: error["details"])
    }

    /// An answer whose parts came apart, as those do that are sent directly.
    package init(action: String, id: JobID, args: Node, meta: ValueMap, codec: any Codec, size: Int) {
        (self.action, self.id, self.args, self.meta, self.codec, self.size) = (action, id, args, meta, codec, size)
    }

    /// Throws ``Malformed`` if the bytes are no answer.
    package init(_ bytes: [UInt8], codecs: CodecSet, limits: Limits) throws(Malformed) {
        guard let codec = codecs.detect(bytes) else { throw Malformed(.badCodec, "no codec begins so") }
        let root: Node
        do { root = try codec.parse(bytes, limits: limits).root } catch { throw Malformed(.badCodec, "\(error)") }
        guard root.kind == .array, (3...4).contains(root.count) else {
            throw Malformed(.badEnvelope, "an answer is an array of 3 or 4 elements")
        }
        guard let action = root[0].envelopeText(codec), EnvelopeText.isPlain(action, longest: Job.longestAction) else {
            throw Malformed(.badEnvelope, "action is not text of 1 to \(Job.longestAction) bytes without control characters")
        }
        guard let id = JobID(root[1], codec) else { throw Malformed(.badEnvelope, "job_id is no job id") }
        guard root[2].kind == .array else { throw Malformed(.badEnvelope, "args is not an array") }
        var meta = ValueMap()
        if root.count == 4 {
            guard case .map(let map) = root[3].value else { throw Malformed(.badEnvelope, "meta is not a map") }
            meta = map
        }
        (self.action, self.id, self.args, self.meta, self.codec) = (action, id, root[2], meta, codec)
        size = bytes.count
    }
}

// A job written once more for its next attempt: the same in the same codec, but for meta. Before it: a failure. After it: settle with
// `retry`.

package import TempestCodecs

extension Job {
    /// The bytes of the job with `attempt` and `last_error` in its meta. The arguments pass token by token, without being decoded into
    /// values.
    package func again(attempt: Int, lastError: String, limits: Limits) throws(CodecError) -> [UInt8] {
        var meta = meta
        meta["attempt"] = .int(Int64(attempt))
        meta["last_error"] = .text(JobRules.shortened(lastError))
        return try codec.encode(JobCopy(job: self, meta: meta), limits: limits)
    }
}

/// A job that was read, with another meta.
package struct JobCopy: TokenWritable {
    package var job: Job
    package var meta: ValueMap

    package init(job: Job, meta: ValueMap) { (self.job, self.meta) = (job, meta) }

    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: meta.isEmpty ? 4 : 5)
        try writer.text(job.action)
        try job.args.write(to: &writer)
        if let respondTo = job.respondTo { try writer.text(respondTo) } else { try writer.null() }
        try job.id.write(to: &writer)
        if !meta.isEmpty { try Value.map(meta).write(to: &writer) }
        try writer.endArray()
    }
}

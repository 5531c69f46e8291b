// A job without the traces of its attempts, and without times that are over. Before it: a dead record. After it: the function `revive`, which pushes the bytes.

import TempestCodecs
import TempestProtocol

/// The envelope of a job that is to be tried from the beginning: the first four elements token by token as they were, and meta
/// without what attempts leave there.
struct FreshJob: TokenWritable {
    let envelope: Node
    let meta: ValueMap

    private static let traces = ["attempt", "last_error"]
    /// Times after which a job is not begun. One that has passed would end it as expired, without a record: who starts it again means it.
    private static let ends = ["deadline", "expires_at"]

    /// New bytes for a record in the codec that it came in; nil if the old ones are good as they are, or are no job.
    ///
    /// - Parameter now: Redis' clock; nil: not known, and times stay.
    static func payload(_ record: DeadRecord, now: Int64?, limits: Limits) -> [UInt8]? {
        guard let job = record.job else { return nil }
        let past = ends.filter { name in
            guard let now, case .int(let time)? = job.meta[name] else { return false }
            return time < now
        }
        let gone = (traces + past).filter { job.meta[$0] != nil }
        guard !gone.isEmpty else { return nil }
        var meta = job.meta
        for name in gone { meta[name] = nil }
        do {
            let document = try job.codec.parse(record.payload, limits: limits)
            return try encode(FreshJob(envelope: document.root, meta: meta), job.codec, limits)
        } catch {
            // What a codec has read it can write; should one not, the bytes are good enough as they were.
            return nil
        }
    }

    private static func encode(_ job: FreshJob, _ codec: some Codec, _ limits: Limits) throws(CodecError) -> [UInt8] {
        try codec.encode(job, limits: limits, canonical: false)
    }

    func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: meta.isEmpty ? 4 : 5)
        for place in 0..<4 { try writer.write(envelope[place]) }
        if !meta.isEmpty { try Value.map(meta).write(to: &writer) }
        try writer.endArray()
    }
}

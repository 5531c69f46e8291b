// A job on its way in: what a producer writes. After it: RPUSH to a level's list.

package import TempestCodecs

package struct JobDraft: TokenWritable, Sendable {
    package var action: String
    /// The arguments one after the other, as many as `count` says.
    package var args: TokenBuffer
    package var count: Int
    package var respondTo: InboxID?
    package var id: JobID
    package var meta: ValueMap

    package init(
        action: String, args: TokenBuffer, count: Int, respondTo: InboxID?, id: JobID, meta: ValueMap = [:]
    ) throws(NameError) {
        guard EnvelopeText.isPlain(action, longest: Job.longestAction) else {
            throw NameError(
                description: "\(Name.quoted(action)) is no action: 1 to \(Job.longestAction) bytes without control characters")
        }
        (self.action, self.args, self.count, self.respondTo, self.id, self.meta) = (action, args, count, respondTo, id, meta)
    }

    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: meta.isEmpty ? 4 : 5)
        try writer.text(action)
        try writer.beginArray(count: count)
        try args.write(to: &writer)
        try writer.endArray()
        if let respondTo { try writer.text(respondTo.description) } else { try writer.null() }
        try id.write(to: &writer)
        // The original Python worker unpacks exactly four elements: a fifth only when there is something in it.
        if !meta.isEmpty { try Value.map(meta).write(to: &writer) }
        try writer.endArray()
    }
}

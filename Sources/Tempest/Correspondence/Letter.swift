// A job whose sender looks at its answers as they are, not as one Swift type: what fronts send. Before it: a request. After it: a level's
// list, and a Correspondence.

package import TempestCodecs
package import TempestProtocol

/// A job to be pushed, with everything decided.
package struct Letter: Sendable {
    package var action: String
    /// The arguments one after the other, `count` of them.
    package var args: TokenBuffer
    package var count: Int
    package var id: JobID
    package var queue: QueueName
    package var level: Level
    package var codec: any Codec
    /// Beyond what a correspondence writes itself: `deadline`, `credits`.
    package var meta: ValueMap

    /// Whether it must reach no worker twice: then it is not pushed again when nobody knows whether Redis has it.
    package var isOnce: Bool { meta["once"] == true }

    package init(
        _ action: String, args: TokenBuffer, count: Int, id: JobID = .random(), queue: QueueName, level: Level = .default,
        codec: any Codec, meta: ValueMap = [:]
    ) {
        (self.action, self.args, self.count, self.id) = (action, args, count, id)
        (self.queue, self.level, self.codec, self.meta) = (queue, level, codec, meta)
    }
}

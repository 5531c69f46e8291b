// What a client may be told; the defaults are right for most.

public import TempestCodecs

/// How a ``TempestClient`` pushes and calls.
public struct ClientOptions: Sendable {
    /// The queue of pushes and calls that name none.
    public var queue: String = "tempest"
    /// The codec in which jobs are written; answers come in the same.
    public var codec: any Codec = .json
    /// How long a call waits for its answer when it names no time-out.
    public var timeout: Duration = .seconds(30)
    /// The codecs in which answers are understood; `codec` is one of them without being named here. A call in any other is refused.
    public var codecs: CodecSet = .standard
    /// What an answer, and a job on its way out, may be at most.
    public var limits: Limits = .standard
    /// How long a client waits for a Redis that is away, or still loads, before it throws ``RedisError``; a call at most as long as its
    /// time-out. Zero: one attempt. What was sent is never sent again (docs/redis-away.md).
    public var patience: Duration = .seconds(5)

    /// Calls have four elements and no meta, as workers written for node-tempest expect them: those cannot know when a caller has stopped
    /// waiting. A trace is still passed on if there is one.
    public var fourElements = false

    /// Queues whose workers were written for node-tempest, and where their answers are taken.
    public var original = OriginalOptions()

    public init() {}
}

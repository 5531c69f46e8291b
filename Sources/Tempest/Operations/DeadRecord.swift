// A dead job as it stands in the stream `{Q}:!dead`. Before it: settle or reap, which buried it. After it: people who look, revive it or
// forget it.

public import TempestProtocol
import TempestRedis

/// A job that no worker will run again unless somebody revives it: its bytes, and why it died.
///
/// All texts come from whoever wrote the stream: show them to a terminal only with control characters escaped.
public struct DeadRecord: Sendable {
    /// The record's id in the stream, such as `1764000000000-0`.
    public let id: String
    /// When it died: milliseconds since 1970 by Redis' clock.
    public let time: UInt64
    /// The bytes, as they were pushed or retried last.
    public let payload: [UInt8]
    /// The level that it came from, and goes back to.
    public let level: String
    /// One word: `exhausted`, `poison`, `bad_codec`, `unknown_action`, …
    public let reason: String
    /// A sentence.
    public let detail: String
    /// The process (P) that recorded it, or that it crashed.
    public let by: String
    /// How many processes crashed while it ran.
    public let crashes: Int
    /// nil when the bytes are no job: `trouble` says why.
    public let job: Job?
    /// Why the bytes are no job; nil if they are one.
    public let trouble: String?

    /// Which attempt was the last, from 1; nil when the bytes are no job.
    public var attempt: Int? {
        guard let job else { return nil }
        return job.meta["attempt"]?.asInt.flatMap { (1...1_000_000).contains($0) ? Int($0) : nil } ?? 1
    }

    /// An entry of XRANGE: `[id, [name, value, …]]`; nil for any other shape.
    init?(_ entry: RedisReply, options: ClientOptions) {
        guard let parts = entry.array, parts.count == 2, let id = parts[0].string, let fields = parts[1].array,
            let time = id.split(separator: "-").first.flatMap({ UInt64($0) })
        else { return nil }
        var named: [String: [UInt8]] = [:]
        for place in stride(from: 0, to: fields.count - 1, by: 2) {
            if let name = fields[place].string, named[name] == nil { named[name] = fields[place + 1].bytes }
        }
        func text(_ name: String) -> String { named[name].map { String(decoding: $0, as: UTF8.self) } ?? "" }
        self.id = id
        self.time = time
        payload = named["job"] ?? []
        (level, reason, detail, by) = (text("level"), text("reason"), text("detail"), text("by"))
        crashes = max(0, Int(text("tries")) ?? 0)
        do throws(Malformed) {
            job = try Job(payload, codecs: options.codecs, limits: options.limits)
            trouble = nil
        } catch {
            job = nil
            trouble = "\(error.reason.rawValue): \(error.detail)"
        }
    }
}

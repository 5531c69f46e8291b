// A process of a queue as Redis has it registered: the function `processes`. Before it: hello. After it: client.nodes(), which says
// which node it belongs to.

public import TempestProtocol
import TempestRedis

/// A process (P) that is registered on a queue.
public struct QueueProcess: Sendable {
    /// The queue.
    public let queue: QueueName
    /// P: the name of its node, or of whoever started it, a dot, and a ULID.
    public let name: String
    /// Its beat counter: others presume it dead when that stands still for a lease.
    public let beat: Int
    /// Its lease, in milliseconds.
    public let lease: Int
    /// Jobs that it has claimed and not settled.
    public let held: Int
    /// Jobs that landed for it and that it has not adopted.
    public let landed: Int
    /// What it says that it runs; nil if it says nothing, or nothing that can be read.
    public let note: ProcessNote?
    /// Whether it says something that cannot be read.
    public let hasBrokenNote: Bool

    /// Jobs that it runs: what it says itself, or those that it holds.
    public var running: Int { note?.count ?? held }

    /// All processes of a queue, from the reply `[P, beat, lease, held, landed, note, …]`.
    static func all(_ queue: QueueName, _ reply: RedisReply) throws(RedisError) -> [QueueProcess] {
        guard let parts = reply.array, parts.count % 6 == 0 else {
            throw RedisError(.protocolError, "processes returned another shape than tempest.lua documents")
        }
        return stride(from: 0, to: parts.count, by: 6).map { place in
            func number(_ offset: Int) -> Int { max(0, Int(parts[place + offset].integer ?? 0)) }
            let said = parts[place + 5].bytes ?? []
            let note = said.isEmpty ? nil : ProcessNote(json: said)
            return QueueProcess(
                queue: queue, name: parts[place].string ?? "", beat: number(1), lease: number(2), held: number(3),
                landed: number(4), note: note, hasBrokenNote: note == nil && !said.isEmpty)
        }
    }
}

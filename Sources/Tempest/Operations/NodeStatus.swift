// A node as an operator sees it: its record joined with the processes that are registered. Before it: client.nodes(). After it: tables.

/// A node, or what is known of one.
public struct NodeStatus: Sendable {
    /// Whether the record and the registrations agree.
    public enum Standing: String, Sendable {
        /// A record with at least one process that is registered, or one that names no queues.
        case registered
        /// A record none of whose processes is registered: it ended without taking its record away, or it was cut off.
        case gone
        /// A field of `tempest:nodes` that is no record, or that of another id.
        case broken
        /// A process that is registered, and that no record names: a worker without records.
        case unlisted
    }

    /// The node's id; of a broken record its field, of an unlisted process P. May hold anything when it is broken.
    public let id: String
    /// nil for broken and unlisted ones.
    public let record: NodeRecord?
    /// The processes of the record that are registered; of an unlisted one itself.
    public let processes: [QueueProcess]
    /// Whether the record and the registrations agree.
    public let standing: Standing

    /// The bytes of the record, so that only what was seen is deleted.
    let bytes: [UInt8]

    /// Jobs that it runs, in all queues.
    public var running: Int { processes.reduce(0) { $0 + $1.running } }

    /// Whether a record may be taken away: none of its processes is registered, and it began more than a minute ago by Redis' clock
    /// (or begins more than a minute from now: its clock is wrong). A node that lives after all writes its record again when it
    /// registers again.
    func isStale(at time: UInt64) -> Bool {
        guard standing == .gone, let record else { return false }
        return max(time, record.started) - min(time, record.started) > 60_000
    }

    /// Records with their fields, and the processes of all queues, sorted by name and id.
    static func join(_ records: [(id: String, bytes: [UInt8])], _ processes: [QueueProcess]) -> [NodeStatus] {
        var listed: Set<String> = []
        var registered: [String: QueueProcess] = [:]
        for process in processes { registered["\(process.queue) \(process.name)"] = process }
        var nodes = records.map { id, bytes in
            guard let record = NodeRecord(json: bytes, field: id) else {
                return NodeStatus(id: id, record: nil, processes: [], standing: .broken, bytes: bytes)
            }
            let names = record.queues.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            listed.formUnion(names)
            let alive = names.compactMap { registered[$0] }
            let standing: Standing = alive.isEmpty && !names.isEmpty ? .gone : .registered
            return NodeStatus(id: id, record: record, processes: alive, standing: standing, bytes: bytes)
        }
        for process in processes where !listed.contains("\(process.queue) \(process.name)") {
            nodes.append(NodeStatus(id: process.name, record: nil, processes: [process], standing: .unlisted, bytes: []))
        }
        return nodes.sorted {
            ($0.record == nil ? 1 : 0, $0.record?.name ?? "", $0.id) < ($1.record == nil ? 1 : 0, $1.record?.name ?? "", $1.id)
        }
    }
}

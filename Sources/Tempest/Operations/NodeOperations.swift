// What an operator does with nodes: look at them, tell them to be quiet or to stop. Before it: the records that workers write. After it:
// the channel `tempest:control`, which workers listen to.

import TempestCodecs
import TempestProtocol
import TempestRedis

/// What a node may be told.
public enum NodeOrder: String, Sendable, CaseIterable {
    /// Take no new jobs; what runs goes on.
    case quiet
    /// End as after SIGTERM: take no new jobs, give what runs the grace time, go.
    case stop

    /// Whether a node that is in this state has obeyed.
    public func isObeyed(by state: NodeRecord.State) -> Bool {
        switch self {
        case .quiet: state == .quiet || state == .stopping
        case .stop: state == .stopping
        }
    }
}

extension TempestClient {
    /// The nodes of this Redis and the processes of all its queues: those with a record first, sorted by name.
    ///
    /// Not one instant: records are read first, then the processes of each queue. Throws ``RedisError``.
    public func nodes() async throws -> [NodeStatus] {
        let fields = try await redis.execute(["HGETALL", .init(Keys.nodes)]).array ?? []
        var records: [(id: String, bytes: [UInt8])] = []
        for place in stride(from: 0, to: fields.count - 1, by: 2) {
            records.append((fields[place].string ?? "", fields[place + 1].bytes ?? []))
        }
        var queues = Set(try await self.queues())
        // Also queues that somebody has taken out of the set: their nodes are not gone.
        for record in records {
            for queue in NodeRecord(json: record.bytes, field: record.id)?.queues.keys.sorted() ?? [] {
                if let name = try? QueueName(queue) { queues.insert(name) }
            }
        }
        let sorted = queues.sorted { $0.description < $1.description }
        var processes: [QueueProcess] = []
        for start in stride(from: 0, to: sorted.count, by: 100) {
            let some = sorted[start..<min(start + 100, sorted.count)]
            let calls = some.map { RedisCommand.fcall(FunctionLibrary.processes, key: $0.description, []) }
            for (queue, reply) in zip(some, try await FunctionLoader.call(calls, on: redis)) {
                processes += try QueueProcess.all(queue, reply.get())
            }
        }
        return NodeStatus.join(records, processes)
    }

    /// Takes away the records of nodes that are gone, as ``nodes()`` showed them: only those that began more than a minute ago, and
    /// whose record is still the one that was seen. A node that lives after all writes its record again within seconds.
    ///
    /// Returns the ids of those taken away. Throws ``RedisError``, `.permission` if the user may not use EVAL.
    public func removeGone(_ nodes: [NodeStatus]) async throws -> [String] {
        let time = try await time()
        let compareAndDelete =
            "if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end return 0"
        var removed: [String] = []
        for node in nodes where node.isStale(at: time) {
            let reply = try await redis.execute([
                "EVAL", .init(compareAndDelete), "1", .init(Keys.nodes), .init(node.id), .init(node.bytes),
            ])
            if reply.integer == 1 { removed.append(node.id) }
        }
        return removed
    }

    /// Tells a node, by its id or name, or all (`*`) what to do. Nobody looks whether there is such a node, and a node that is cut off
    /// does not hear it: its record says whether it obeyed. Nodes of other databases are not told.
    ///
    /// Returns how many nodes were listening. Throws ``RedisError``.
    @discardableResult
    public func tell(_ order: NodeOrder, to node: String) async throws -> Int {
        let message: Value = ["to": .text(node), "do": .text(order.rawValue)]
        let channel = Keys.control(database: redis.configuration.database)
        let reply = try await redis.execute(["PUBLISH", .init(channel), .init(try JSONCodec().encode(message))])
        return Int(reply.integer ?? 0)
    }

    /// The time by Redis' clock: milliseconds since 1970. What happens in queues is dated by it.
    public func time() async throws -> UInt64 {
        let parts = try await redis.execute(["TIME"]).array ?? []
        guard parts.count == 2, let seconds = parts[0].integer, let micros = parts[1].integer, seconds >= 0, micros >= 0 else {
            throw RedisError(.protocolError, "TIME returned another shape than Redis documents")
        }
        return UInt64(seconds) * 1000 + UInt64(micros) / 1000
    }
}

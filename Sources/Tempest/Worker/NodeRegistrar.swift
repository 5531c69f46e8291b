// Keeps this worker's record in `tempest:nodes` and hears what operators say to it. For people: nothing that a job needs depends on it.

import Logging
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis

final class NodeRegistrar: Sendable {
    /// What an operator may say to a worker.
    enum Order: String { case quiet, stop }

    private static let refresh = TimeAmount.seconds(10)

    private let record: Mutex<NodeRecord>
    private let redis: RedisClient
    private let logger: Logger
    private let isRefused = Atomic(false)
    private let hasEnded = Mutex(false)
    private let schedule = Mutex(RepeatedTask?.none)

    init(options: WorkerOptions, queues: [QueueName], redis: RedisClient, logger: Logger) {
        (self.redis, self.logger) = (redis, logger)
        self.record = Mutex(
            NodeRecord(
                id: ProcessName(options.name).description, name: options.name, kind: "worker", language: "swift",
                version: TempestVersion.current, host: ProcessEnvironment.hostName, pid: ProcessEnvironment.processID,
                started: WallClock.milliseconds(), concurrency: options.concurrency, queues: [:], state: .running))
    }

    /// Writes the record again and again, because Redis may forget it.
    func start() {
        let task = redis.eventLoop.scheduleRepeatedTask(initialDelay: Self.refresh, delay: Self.refresh) { _ in self.write() }
        schedule.withLock { $0 = task }
    }

    func note(_ queue: QueueName, _ process: ProcessName) {
        record.withLock { $0.queues[queue.description] = process.description }
        write()
    }

    func note(_ state: NodeRecord.State) {
        let changed = record.withLock { record in
            defer { record.state = state }
            return record.state != state
        }
        if changed { write() }
    }

    /// Best effort, like all of it.
    private func write() {
        // An operator's word may still be heard while the worker ends: the record must not come back.
        guard !hasEnded.withLock({ $0 }) else { return }
        let (id, json) = record.withLock { ($0.id, $0.json) }
        redis.connection().flatMap { $0.send(["HSET", .init(Keys.nodes), .init(id), .init(json)]) }.whenFailure { error in
            // Once: a worker without that right works all the same.
            guard (error as? RedisError)?.code == .permission, !self.isRefused.exchange(true, ordering: .relaxed) else { return }
            self.logger.warning(
                "this worker is not on record for `tempest workers`", metadata: [LogKey.error: "\(error)"])
        }
    }

    func end() async {
        hasEnded.withLock { $0 = true }
        schedule.withLock { $0 }?.cancel()
        let id = record.withLock { $0.id }
        // Of a Redis that is away nothing is asked: that this node is gone shows by its counters, too.
        guard redis.ready != nil else { return }
        _ = try? await redis.execute(["HDEL", .init(Keys.nodes), .init(id)])
    }

    /// What a message of the control channel (protocol/queues.md, "News, control and nodes") tells this node; nil if it is for others.
    func order(_ message: [UInt8]) -> Order? {
        guard let map = try? JSONCodec().value(message, limits: Limits(depth: 4, values: 100, bytes: 4096)).asMap,
            let target = map["to"]?.asText, let word = map["do"]?.asText, let order = Order(rawValue: word)
        else { return nil }
        let (id, name) = record.withLock { ($0.id, $0.name) }
        return target == "*" || target == id || target == name ? order : nil
    }
}

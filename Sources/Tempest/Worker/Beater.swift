// Says that this process lives, on an event loop thread and a connection of its own: a handler that blocks every thread of Swift's
// pool must not lose its lease.

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TempestProtocol
import TempestRedis

final class Beater: Sendable {
    private struct State {
        var beating: [QueueName: (process: ProcessName, bell: Bell)] = [:]
        var schedule: RepeatedTask?
        var inTrouble = false
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let client: RedisClient
    private let interval: TimeAmount
    private let logger: Logger
    private let state = Mutex(State())

    /// `lease`: how long others wait for a beat before they take this process for dead; a beat goes out each third of it.
    init(_ configuration: RedisConfiguration, name: String, lease: Duration, logger: Logger) {
        self.interval = TimeAmount.nanoseconds(lease.nanoseconds / 3)
        self.logger = logger
        self.client = RedisClient(configuration, name: name, eventLoopGroup: group, logger: logger, patience: .zero)
    }

    func start() {
        let schedule = group.next().scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in self.beat() }
        state.withLock { $0.schedule = schedule }
    }

    /// From now on this process beats on the queue; `bell` is rung when Redis says that it is fenced.
    func add(_ queue: QueueName, _ process: ProcessName, _ bell: Bell) {
        state.withLock { $0.beating[queue] = (process, bell) }
    }

    func remove(_ queue: QueueName) {
        state.withLock { $0.beating[queue] = nil }
    }

    func stop() async {
        state.withLock { $0.schedule }?.cancel()
        await client.shutdown()
        try? await group.shutdownGracefully()
    }

    private func beat() {
        let beating = state.withLock { $0.beating }
        guard !beating.isEmpty else { return }
        client.connection().whenComplete { result in
            switch result {
            case .failure(let error):
                self.report(error)
            case .success(let connection):
                for (queue, entry) in beating {
                    let command = RedisCommand.fcall(
                        FunctionLibrary.beat, key: queue.description, [.init(entry.process.description)])
                    connection.send(command, timeout: self.interval).whenComplete { self.heard($0, queue, entry) }
                }
            }
        }
    }

    private func heard(_ result: Result<RedisReply, any Error>, _ queue: QueueName, _ entry: (process: ProcessName, bell: Bell)) {
        switch result {
        case .success:
            state.withLock { $0.inTrouble = false }
        case .failure(let error):
            switch (error as? RedisError)?.code {
            case .fenced:
                // The work loop may have begun anew by the time that this reply is here.
                let current = state.withLock { $0.beating[queue]?.process == entry.process }
                if current { entry.bell.ring(.fenced) }
            case .noFunction: entry.bell.ring(.trouble)
            default: report(error)
            }
        }
    }

    private func report(_ error: any Error) {
        let first = state.withLock { state in
            defer { state.inTrouble = true }
            return !state.inTrouble
        }
        if first { logger.warning("the beat does not reach Redis", metadata: [LogKey.error: "\(error)"]) }
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue + attoseconds / 1_000_000_000
    }
}

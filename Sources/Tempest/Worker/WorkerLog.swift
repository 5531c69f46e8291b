// The lines that a worker writes of itself when it has joined its queues (docs/logs.md).

import Logging
import Synchronization
import TempestProtocol

final class WorkerLog: Sendable {
    private let queues: Set<QueueName>
    private let settings: Logger.Metadata
    private let logger: Logger
    private let seen = Mutex<Set<QueueName>>([])

    init(_ queues: [QueueName], _ options: WorkerOptions, actions: [String], _ logger: Logger) {
        (self.queues, self.logger) = (Set(queues), logger)
        settings = [
            "queues": "\(queues.map(\.description).joined(separator: ","))",
            "levels": "\(options.levels.map(\.description).joined(separator: ","))",
            "concurrency": "\(options.concurrency)",
            "actions": "\(actions.map { ErrorText.cut($0, most: 100) }.joined(separator: ","))",
        ]
    }

    /// A process is registered: the first on its queue, or one that takes the place of a fenced one.
    func joined(_ queue: QueueName, _ process: ProcessName) {
        let (isFirst, isReady) = seen.withLock { seen in
            let isFirst = seen.insert(queue).inserted
            return (isFirst, isFirst && seen == queues)
        }
        if isReady { logger.info("tempest worker ready", metadata: settings) }
        if !isFirst {
            logger.info("joined again", metadata: [LogKey.queue: "\(queue)", LogKey.process: "\(process)"])
        }
    }
}

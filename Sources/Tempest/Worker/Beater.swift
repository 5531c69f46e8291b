// Says that this process lives, and hears what concerns it, on an event loop thread and connections of its own: a handler that blocks
// every thread of Swift's pool must not lose its lease.

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TempestProtocol
import TempestRedis

final class Beater: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let client: RedisClient
    let clock = ServerClock()
    private let lease: Duration
    private let outage: RedisOutage
    private let logger: Logger
    private let beats = Mutex<[QueueName: QueueBeat]>([:])
    private let feed = Mutex<NewsFeed?>(nil)

    /// `lease`: how long others wait for a beat before they take this process for dead.
    init(_ configuration: RedisConfiguration, name: String, lease: Duration, outage: RedisOutage, logger: Logger) {
        (self.lease, self.outage, self.logger) = (lease, outage, logger)
        self.client = RedisClient(
            configuration, name: name, eventLoopGroup: group, logger: logger, patience: .zero, logsOutages: false)
    }

    /// Hears the news of the queues, and `onControl` what operators say; which is called on the beater's event loop.
    func start(_ queues: [QueueName], onControl: @escaping @Sendable ([UInt8]) -> Void) {
        let database = client.configuration.database
        let names = Dictionary(uniqueKeysWithValues: queues.map { (Keys.news($0, database: database), $0) })
        let feed = NewsFeed(
            client, control: Keys.control(database: database), channels: Array(names.keys), logger: logger,
            onListening: { for beat in self.beats.withLock({ Array($0.values) }) { beat.askForCancelled() } }
        ) { message in
            guard let queue = names[message.channel] else { return onControl(message.payload) }
            self.heard(String(decoding: message.payload, as: UTF8.self), queue)
        }
        self.feed.withLock { $0 = feed }
        feed.start()
    }

    /// From now on this process ticks on the queue; `bell` is rung with what the ticks bring.
    func add(_ queue: QueueName, _ process: ProcessName, levels: [Level], running: RunningJobs, _ bell: Bell) {
        let beat = QueueBeat(
            queue, process, levels: levels, lease: lease, running: running, bell: bell, clock: clock, client: client,
            outage: outage, logger: logger)
        beats.withLock { $0[queue] = beat }
        beat.start()
    }

    func remove(_ queue: QueueName) {
        beats.withLock { $0.removeValue(forKey: queue) }?.stop()
    }

    func stop() async {
        feed.withLock { $0 }?.stop()
        // Its threads end, and with them whatever is under way.
        client.hurry(.zero)
        await client.shutdown()
        try? await group.shutdownGracefully()
    }

    private func heard(_ news: String, _ queue: QueueName) {
        let words = news.split(separator: " ", maxSplits: 1)
        guard let beat = beats.withLock({ $0[queue] }), let first = words.first else { return }
        switch first {
        case "tick" where words.count == 2 && (words[1] == "*" || words[1] == beat.process.description): beat.tick()
        case "suspect": beat.tick()
        case "cancel" where words.count == 2: beat.running.cancel(String(words[1]))
        // A later revision may have more to say.
        default: break
        }
    }
}

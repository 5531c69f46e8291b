// Who speaks with Redis for a front: a client on each event loop, so that a request, its job, its answer and its response are one loop's
// doing, and no thread wakes another. Before it: a configuration. After it: HeldRequests.

import Logging
import NIOCore
import NIOPosix
import Tempest

/// The clients of one front.
struct FrontClients: Sendable {
    /// On a host with more processors loops share them: each client has an inbox, and a connection that waits at it, for each queue.
    private static let most = 8

    /// For what is no single request's: sockets, queues of the original, sessions.
    let main: TempestClient
    private let others: [ObjectIdentifier: TempestClient]
    private let isOurs: Bool

    /// Somebody else's, who shuts it down.
    init(_ client: TempestClient) { (main, others, isOurs) = (client, [:], false) }

    /// One for each event loop that Hummingbird serves connections on. Throws ``RedisError`` for a bad URL.
    init(redis: RedisConfiguration?, options: ClientOptions, logger: Logger) throws {
        var (all, others): ([TempestClient], [ObjectIdentifier: TempestClient]) = ([], [:])
        for (number, loop) in MultiThreadedEventLoopGroup.singleton.makeIterator().enumerated() {
            if number < Self.most { all.append(try TempestClient(redis: redis, options: options, on: loop, logger: logger)) }
            others[ObjectIdentifier(loop)] = all[number % Self.most]
        }
        (main, self.others, isOurs) = (all[0], others, true)
    }

    /// The client for requests of connections on this loop.
    func client(on loop: any EventLoop) -> TempestClient { others[ObjectIdentifier(loop)] ?? main }

    /// Each of them once.
    var all: [TempestClient] {
        var seen: Set<ObjectIdentifier> = []
        return ([main] + others.values).filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    /// Whether every inbox of a queue is read.
    var readiness: [(queue: QueueName, isReading: Bool)] {
        var readings: [QueueName: Bool] = [:]
        for client in all {
            for (queue, isReading) in client.readiness { readings[queue] = isReading && readings[queue] ?? true }
        }
        return readings.map { ($0.key, $0.value) }
    }

    /// Before the first request, so that readiness says something; a Redis that is away now is tried by the requests themselves.
    func open(_ routes: [FrontRoute], logger: Logger) async {
        await withDiscardingTaskGroup { group in
            for queue in Set(routes.map(\.queue)) {
                // Workers of the original answer to one port of ours.
                let isOriginal = routes.contains { $0.queue == queue && $0.isOriginal }
                for client in isOriginal ? [main] : all {
                    group.addTask {
                        do {
                            try await client.open(queue)
                        } catch {
                            logger.warning(
                                "answers cannot be heard yet", metadata: ["queue": "\(queue)", "error": "\(error)"])
                        }
                    }
                }
            }
        }
    }

    func shutdown() async {
        guard isOurs else { return }
        await withDiscardingTaskGroup { group in
            for client in all { group.addTask { await client.shutdown() } }
        }
    }
}

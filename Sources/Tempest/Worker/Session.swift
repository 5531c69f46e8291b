// One incarnation of a worker on one queue: its name P, its connections, its claim number. A session is opened anew after trouble
// with the same P, and with a new P after FENCED.

import Logging
import NIOCore
import TempestProtocol
import TempestRedis

struct Session {
    let process: ProcessName
    let main: RedisConnection
    let parkers: [Level: Parker]
    /// The number of the last claim.
    var claims: Int

    /// Connects, registers and parks nothing yet. A new P is registered; an old one is found again, and what its old connections may
    /// still do is ended first.
    ///
    /// - Parameter actions: what it has handlers for; nil: it claims no more, and nobody is to wait for it.
    static func open(
        _ process: ProcessName, isNew: Bool, queue: QueueName, levels: [Level], actions: [String]?, lease: Duration,
        redis: RedisClient, loop: any EventLoop, clock: ServerClock, bell: Bell
    ) async throws -> Session {
        let name = "tempest:\(process)"
        let main = try await redis.open(name: name, on: loop).get()
        var opened = [main]
        do {
            try await FunctionLoader.ensure(on: main).get()
            var parkers: [Level: Parker] = [:]
            for level in levels {
                let connection = try await redis.open(name: name, on: loop).get()
                opened.append(connection)
                parkers[level] = Parker(level, queue: queue, process: process, connection: connection, bell: bell)
            }
            let session = Session(process: process, main: main, parkers: parkers, claims: 0)
            try await session.register(
                isNew: isNew, queue: queue, levels: levels, actions: actions, lease: lease,
                database: redis.configuration.database, clock: clock, connections: opened)
            return session
        } catch {
            // Registered or not, nobody will be this P; what it might hold goes back.
            if isNew { _ = main.send(goodbye(process, queue: queue, levels: levels)) }
            for connection in opened { _ = connection.close() }
            throw error
        }
    }

    func close() {
        _ = main.close()
        for parker in parkers.values { parker.retire() }
    }

    /// P leaves, and what it holds goes back to its queue; harmless for a P that Redis does not know.
    static func goodbye(_ process: ProcessName, queue: QueueName, levels: [Level]) -> RedisCommand {
        .fcall(
            FunctionLibrary.goodbye, key: queue.description,
            [.init(process.description)] + levels.map { .init($0.description) })
    }

    private func register(
        isNew: Bool, queue: QueueName, levels: [Level], actions: [String]?, lease: Duration, database: Int,
        clock: ServerClock, connections: [RedisConnection]
    ) async throws {
        try await clock.ask(main).get()
        let ids =
            connections.map { RedisArgument("\($0.serverRunID)/\($0.clientID)") } + [
                .init("lease/\(max(100, lease.nanoseconds / 1_000_000))"), .init("database/\(database)"),
            ] + levels.map { .init("level/\($0)") } + (actions?.map { .init("action/\($0)") } ?? ["actions/none"])
        let hello = { (mode: String) -> RedisCommand in
            .fcall(FunctionLibrary.hello, key: queue.description, [.init(process.description), .init(mode)] + ids)
        }
        let reply = try await main.execute(hello(isNew ? "new" : "again"))
        if !isNew {
            // A BLMOVE of a connection that we gave up may still take a job: it ends before we look at what has landed.
            for old in (reply.array ?? []).dropFirst() {
                guard let old = old.string else { continue }
                _ = try? await StaleConnection.end(old, of: process.description, by: main).get()
            }
            _ = try await main.execute(hello("only"))
        }
        _ = try await main.execute(
            .fcall(FunctionLibrary.levels, key: queue.description, levels.map { .init($0.description) }))
        // Another slot on a cluster, and no part of what a worker promises: only for people who look.
        _ = try? await main.execute(["SADD", .init(Keys.queues), .init(queue.description)])
    }
}

// A front of event streams for a test: a private Redis, a Hummingbird application on a free port, and a client that publishes.
// Around the tests of streams; EventBrowser is who listens.

import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Tempest
import TempestFront
import TempestTesting
import Testing

@testable import TempestRedis

/// A context that keeps its connection.
struct ChannelContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
    }
}

struct EventFront: Sendable {
    let port: Int
    let redis: PrivateRedis
    let client: TempestClient
    let commands: RedisClient
    let services: ServiceGroup
    let streams: EventStreams

    func browser(
        _ path: String, _ headers: [String] = [], reads: Bool = true
    ) async throws -> EventBrowser {
        try await EventBrowser.connect(port: port, path: path, headers: headers, reads: reads)
    }

    /// A browser that gets what is published from now on.
    func follower(_ channel: String, _ headers: [String] = []) async throws -> EventBrowser {
        let browser = try await browser("/sub/\(channel)", headers)
        try await browser.sees(": following\n\n")
        return browser
    }

    func publish(_ channel: String, raw message: String) async throws {
        _ = try await commands.execute(["PUBLISH", .init(channel), .init(message)])
    }

    /// The connections of subscriptions, and the channels that Redis knows.
    func subscriptions() async throws -> (connections: Int, channels: [String]) {
        let list = try await commands.execute(["CLIENT", "LIST", "TYPE", "pubsub"]).string ?? ""
        let channels = try await commands.execute(["PUBSUB", "CHANNELS"]).array ?? []
        return (list.split(separator: "\n").count, channels.compactMap(\.string).sorted())
    }
}

/// Runs a body with a front. Everybody may follow what the patterns match.
func withEventFront(
    _ patterns: [String] = ["*"], rule: ChannelPolicy.Rule? = nil, redis options: PrivateRedis.Options = .init(),
    change: (inout EventStreamOptions) -> Void = { _ in }, _ body: @escaping @Sendable (EventFront) async throws -> Void
) async throws {
    var streamOptions = EventStreamOptions(heartbeat: .seconds(60), retry: .milliseconds(1500))
    change(&streamOptions)
    let settings = streamOptions
    let policy = try ChannelPolicy(patterns: patterns, rule: rule)
    try await withPrivateRedis(options) { redis in
        var logger = Logger(label: "front")
        logger.logLevel = .critical
        let configuration = try RedisConfiguration(url: redis.url)
        let streams = EventStreams(redis: configuration, policy: policy, options: settings, logger: logger)
        let router = Router(context: ChannelContext.self)
        router.get("/sub/:channel") { request, context in
            try await streams.respond(to: request, channel: context.parameters.require("channel"), on: context.channel)
        }
        let ports = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)), services: [streams],
            onServerRunning: { ports.continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let services = ServiceGroup(configuration: .init(services: [application], logger: logger))
        let client = try TempestClient(redis: configuration, logger: logger)
        let commands = RedisClient(configuration, name: "test", logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var iterator = ports.stream.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let result: Result<Void, any Error>
            do {
                try await body(
                    EventFront(
                        port: port, redis: redis, client: client, commands: commands, services: services, streams: streams))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            await client.shutdown()
            await commands.shutdown()
            try result.get()
        }
    }
}

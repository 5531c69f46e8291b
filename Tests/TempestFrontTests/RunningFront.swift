import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Tempest
import TempestFront
import TempestRedis
import TempestTesting
import Testing

/// A front, its Redis and a worker in this process, as tests use them.
struct RunningFront {
    let port: Int
    let redis: PrivateRedis
    let client: TempestClient
    let front: Front
    let configuration: FrontConfiguration
    let drain: @Sendable () async -> Void

    /// Runs a front with `routes` (of the form `PATTERN=QUEUE`) before a worker of the queue `pages`, whose handlers `handlers` registers.
    /// `users` says by which URLs the front and the worker come in.
    static func run<R: Sendable>(
        _ routes: [String] = ["/*=pages"], redis options: PrivateRedis.Options = .init(),
        _ change: (inout FrontConfiguration) throws -> Void = { _ in }, logger kept: Logger? = nil,
        users: (PrivateRedis) async throws -> (front: String, worker: String) = { ($0.url, $0.url) },
        handlers: (Worker) -> Void = { _ in }, _ body: (RunningFront) async throws -> R
    ) async throws -> R {
        var configuration = FrontConfiguration()
        configuration.port = 0
        configuration.accessLog = nil
        configuration.grace = .seconds(5)
        configuration.routes = try routes.map { try FrontRoute($0) }
        try change(&configuration)
        return try await withPrivateRedis(options) { redis in
            let urls = try await users(redis)
            return try await serve(
                configuration, redis, front: try RedisConfiguration(url: urls.front),
                worker: try RedisConfiguration(url: urls.worker),
                logger: kept, handlers, body)
        }
    }

    /// Runs another front like this one, and a worker, on another database of the same server.
    func beside<R: Sendable>(
        database: Int, handlers: (Worker) -> Void = { _ in }, _ body: (RunningFront) async throws -> R
    ) async throws -> R {
        var address = try RedisConfiguration(url: redis.url)
        address.database = database
        return try await Self.serve(configuration, redis, front: address, worker: address, logger: nil, handlers, body)
    }

    private static func serve<R: Sendable>(
        _ configuration: FrontConfiguration, _ redis: PrivateRedis, front address: RedisConfiguration,
        worker workerAddress: RedisConfiguration,
        logger kept: Logger?, _ handlers: (Worker) -> Void, _ body: (RunningFront) async throws -> R
    ) async throws -> R {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = try TempestClient(redis: address, options: configuration.clientOptions, logger: logger)
        let worker = try Worker(queues: ["pages"], redis: workerAddress, logger: logger)
        handlers(worker)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let front = try Front(configuration, client: client, logger: kept ?? logger) { channel in
            found.yield(channel.localAddress?.port ?? 0)
        }
        let group = ServiceGroup(configuration: .init(services: [front], logger: logger))
        return try await withRunning(worker) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var iterator = ports.makeAsyncIterator()
                let port = try #require(await iterator.next())
                do {
                    let running = RunningFront(
                        port: port, redis: redis, client: client, front: front, configuration: configuration,
                        drain: { await group.triggerGracefulShutdown() })
                    let result = try await body(running)
                    await group.triggerGracefulShutdown()
                    try await tasks.waitForAll()
                    await client.shutdown()
                    return result
                } catch {
                    tasks.cancelAll()
                    await client.shutdown()
                    throw error
                }
            }
        }
    }

    /// Publishes as redis-cli does; how many heard it.
    func send(_ message: String, to channel: String) async throws -> Int {
        let connection = RedisClient(try RedisConfiguration(url: redis.url), logger: Logger(label: "test"))
        let heard = try await connection.execute(["PUBLISH", .init(channel), .init(message)]).integer
        await connection.shutdown()
        return Int(heard ?? -1)
    }

    /// A connection as a browser has it, byte by byte.
    func browse<R>(_ body: (Browser) async throws -> R) async throws -> R { try await Browser.run(port: port, body) }

    /// One request on a connection of its own, and everything that comes until the server closes it.
    func ask(_ request: String, body: [UInt8] = []) async throws -> Reply {
        try await browse { browser in
            try await browser.send(request, body)
            return try await browser.reply()
        }
    }

    func get(_ path: String, _ headers: String...) async throws -> Reply {
        try await ask("GET \(path) HTTP/1.1\r\nHost: test\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
    }
}

/// A response as it came.
struct Reply: Sendable, CustomStringConvertible {
    var status = 0
    var headers: [(String, String)] = []
    var body: [UInt8] = []
    /// Whether it came to its end, and not only to the connection's.
    var isWhole = false

    var text: String { String(decoding: body, as: UTF8.self) }
    func header(_ name: String) -> String? { headers.first { $0.0 == name }?.1 }
    func all(_ name: String) -> [String] { headers.filter { $0.0 == name }.map(\.1) }
    var description: String { "\(status) \(headers) \(text.prefix(300))" }
}

/// A raw connection and a small reader of responses.
final class Browser: Sendable {
    private let channel: any Channel
    private let state = Mutex((bytes: [UInt8](), isClosed: false))

    private init(_ channel: any Channel) { self.channel = channel }

    static func run<R>(port: Int, _ body: (Browser) async throws -> R) async throws -> R {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        let browser = Browser(channel)
        try await channel.eventLoop.submit { try channel.pipeline.syncOperations.addHandler(Intake(browser)) }.get()
        do {
            let result = try await body(browser)
            try? await channel.close().get()
            return result
        } catch {
            try? await channel.close().get()
            throw error
        }
    }

    private final class Intake: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let browser: Browser
        init(_ browser: Browser) { self.browser = browser }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = Self.unwrapInboundIn(data)
            browser.state.withLock { $0.bytes += Array(buffer.readableBytesView) }
        }
        func channelInactive(context: ChannelHandlerContext) { browser.state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    func send(_ text: String, _ body: [UInt8] = []) async throws {
        var buffer = ByteBuffer(string: text)
        buffer.writeBytes(body)
        try await channel.writeAndFlush(buffer).get()
    }

    /// Takes nothing more from the connection, as a browser that is slow.
    func stopReading(_ stop: Bool = true) async throws {
        try await channel.setOption(ChannelOptions.autoRead, value: !stop).get()
    }

    func close() async throws { try await channel.close().get() }

    var received: [UInt8] { state.withLock { $0.bytes } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The next response; one that is broken off is not whole. `head`: of an answer to HEAD, which has no body.
    func reply(head: Bool = false) async throws -> Reply {
        var reply = Reply()
        try await eventually(within: .seconds(20), "a response") {
            self.state.withLock { state in
                guard let (found, used) = Self.parse(state.bytes, state.isClosed, head) else { return state.isClosed }
                reply = found
                state.bytes.removeFirst(used)
                return true
            }
        }
        return reply
    }

    private static func parse(_ bytes: [UInt8], _ isClosed: Bool, _ isHead: Bool) -> (Reply, Int)? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        var reply = Reply()
        reply.status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            reply.headers.append((parts[0].lowercased(), String(parts.last ?? "").trimmingSpaces))
        }
        var place = end.upperBound
        if isHead || [204, 304].contains(reply.status) {
            reply.isWhole = true
            return (reply, place)
        }
        if let length = reply.header("content-length").flatMap(Int.init) {
            guard bytes.count - place >= length || isClosed else { return nil }
            let last = min(bytes.count, place + length)
            reply.body = Array(bytes[place..<last])
            reply.isWhole = reply.body.count == length
            return (reply, last)
        }
        guard reply.header("transfer-encoding") == "chunked" else {
            guard isClosed else { return nil }
            reply.body = Array(bytes[place...])
            return (reply, bytes.count)
        }
        while let line = bytes[place...].firstRange(of: [13, 10]) {
            guard let size = Int(String(decoding: bytes[place..<line.lowerBound], as: UTF8.self), radix: 16),
                bytes.count >= line.upperBound + size + 2
            else { break }
            reply.body += bytes[line.upperBound..<line.upperBound + size]
            place = line.upperBound + size + 2
            if size == 0 {
                reply.isWhole = true
                return (reply, place)
            }
        }
        return isClosed ? (reply, bytes.count) : nil
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

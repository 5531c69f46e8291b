// A front's server for tests: a Hummingbird application on a free port, and clients that send bytes as they like.

import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import TempestTesting

@testable import TempestFront

/// Runs the server while the body runs; the body gets its port.
func withServer<R: Sendable>(
    _ server: HTTPServerBuilder, router: Router<BasicRequestContext> = echoRouter(),
    _ body: @escaping @Sendable (Int) async throws -> R
) async throws -> R {
    let (ports, source) = AsyncStream<Int>.makeStream()
    var logger = Logger(label: "front.tests")
    logger.logLevel = .critical
    let application = Application(
        router: router, server: server, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in
            source.yield(channel.localAddress?.port ?? 0)
            source.finish()
        }, logger: logger)
    let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
    return try await withThrowingTaskGroup(of: R?.self) { tasks in
        tasks.addTask {
            try await group.run()
            return nil
        }
        tasks.addTask {
            for await port in ports {
                do {
                    let result = try await body(port)
                    await group.triggerGracefulShutdown()
                    return result
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
            }
            throw TestFailure("the server did not start")
        }
        var result: R?
        while let value = try await tasks.next() { if let value { result = value } }
        guard let result else { throw TestFailure("the server ended first") }
        return result
    }
}

/// `GET /hello`, `POST /echo`, and whatever is not found.
func echoRouter() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("/hello") { _, _ in "hello" }
    router.post("/echo") { request, _ in
        let body = try await request.body.collect(upTo: 1 << 20)
        return Response(status: .ok, body: .init(byteBuffer: body))
    }
    router.get("/big") { _, _ in
        Response(
            status: .ok,
            body: .init { writer in
                for _ in 0..<1000 { try await writer.write(ByteBuffer(repeating: 0x61, count: 1 << 16)) }
                try await writer.finish(nil)
            })
    }
    return router
}

/// A TCP connection whose bytes a test writes and reads itself.
final class RawClient: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isClosed = false
        var wasReset = false
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let client: RawClient
        init(_ client: RawClient) { self.client = client }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            client.state.withLock { $0.bytes += Array(buffer: unwrapInboundIn(data)) }
        }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .inputClosed? = event as? ChannelEvent { client.state.withLock { $0.isClosed = true } }
            context.fireUserInboundEventTriggered(event)
        }
        func channelInactive(context: ChannelHandlerContext) { client.state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if (error as? IOError)?.errnoCode == ECONNRESET { client.state.withLock { $0.wasReset = true } }
            context.close(promise: nil)
        }
    }

    private let state = Mutex(State())
    private let opened = Mutex<(any Channel)?>(nil)
    var channel: any Channel {
        get throws {
            guard let channel = opened.withLock({ $0 }) else { throw TestFailure("not connected") }
            return channel
        }
    }

    /// - Parameters:
    ///   - reads: whether the client takes what comes.
    ///   - protocols: by TLS, and what ALPN offers; nil: plain.
    static func connect(_ port: Int, reads: Bool = true, protocols: [String]? = nil) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let protocols {
                        var tls = TLSConfiguration.makeClientConfiguration()
                        tls.certificateVerification = .none
                        tls.applicationProtocols = protocols
                        let context = try NIOSSLContext(configuration: tls)
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(Reader(client))
                }
            }.connect(host: "127.0.0.1", port: port).get()
        client.opened.withLock { $0 = channel }
        return client
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }
    func close() async {
        // NIO's TLS would wait five seconds after the server's goodbye for an end of the bytes.
        try? await channel.setOption(.allowRemoteHalfClosure, value: false).get()
        try? await channel.close().get()
    }
    func closeOutput() async throws { try await channel.close(mode: .output).get() }

    var received: [UInt8] { state.withLock { $0.bytes } }
    var text: String { String(decoding: received, as: UTF8.self) }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    /// Whether the end was a reset rather than one that could be meant.
    var wasReset: Bool { state.withLock { $0.wasReset } }

    /// Takes the first bytes that came, as a parser does.
    func take<R>(_ body: (inout [UInt8]) throws -> R) rethrows -> R { try state.withLock { try body(&$0.bytes) } }

    /// Waits until the text so far contains another.
    @discardableResult
    func receive(_ wanted: String, within limit: Duration = .seconds(10)) async throws -> String {
        do {
            try await eventually(within: limit, "“\(wanted)” comes") { text.contains(wanted) }
        } catch { throw TestFailure("\(error), but came: “\(text)”, closed: \(isClosed)") }
        return text
    }

    /// Waits until the server has closed, and returns all that came.
    @discardableResult
    func end(within limit: Duration = .seconds(10)) async throws -> String {
        try await eventually(within: limit, "the server closes") { isClosed }
        return text
    }
}

extension ConnectionLimits {
    /// Times short enough for tests, and long enough for a busy machine.
    static var brisk: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.resolution = .milliseconds(10)
        limits.linger = .milliseconds(300)
        return limits
    }
}

/// What a test's helper found wrong.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Logger {
    /// For what a test does wrong by intent.
    static var silent: Logger {
        var logger = Logger(label: "front.tests")
        logger.logLevel = .critical
        return logger
    }
}

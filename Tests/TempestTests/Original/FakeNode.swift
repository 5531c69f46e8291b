// A node of the original as a test wants it: listens, answers info, and says to an answer what the test says.

import NIOCore
import NIOPosix
import Synchronization

@testable import TempestRedis

final class FakeNode: Sendable {
    fileprivate struct State {
        var answers: [[String]] = []
        var connections = 0
        var open = 0
        var farewells = 0
        var resets = 0
    }

    let port: Int
    private let channel: any Channel
    private let state: StateBox

    fileprivate final class StateBox: Sendable {
        fileprivate let state = Mutex(FakeNode.State())
    }

    private init(_ channel: any Channel, _ state: StateBox) {
        (self.channel, self.state, self.port) = (channel, state, channel.localAddress?.port ?? 0)
    }

    /// What was sent besides info.
    var answers: [[String]] { state.state.withLock { $0.answers } }
    /// Connections that ever came.
    var connections: Int { state.state.withLock { $0.connections } }
    /// Connections that are open.
    var open: Int { state.state.withLock { $0.open } }
    /// Connections on which the other side has said that it says no more, and let this one say all that it had to say.
    var farewells: Int { state.state.withLock { $0.farewells } }
    /// Connections that the other side has reset: the original's front would have ended of it.
    var resets: Int { state.state.withLock { $0.resets } }

    /// - Parameters:
    ///   - everywhere: whether it listens on all addresses of this machine, of which it has many.
    ///   - info: the bytes with which info is answered, the original's if not given.
    ///   - afterwards: what is said, in several pieces, to whoever has hung up already, as a node does that was slow.
    ///   - reply: what is said to the answer of that number, from 1; nil: hung up.
    static func run<R>(
        everywhere: Bool = false, info: String = "$21\r\nredis_version:2.4.5\r\n\r\n",
        afterwards: [String] = [], reply: @escaping @Sendable (Int) -> String? = { _ in "+OK\r\n" },
        _ body: (FakeNode) async throws -> R
    ) async throws -> R {
        let state = StateBox()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    state.state.withLock { ($0.connections, $0.open) = ($0.connections + 1, $0.open + 1) }
                    channel.closeFuture.whenComplete { _ in state.state.withLock { $0.open -= 1 } }
                    try channel.pipeline.syncOperations.addHandler(
                        Guest(info: info, afterwards: afterwards[...], reply: reply, state: state))
                }
            }
            .bind(host: everywhere ? "0.0.0.0" : "127.0.0.1", port: 0).get()
        let node = FakeNode(channel, state)
        do {
            let result = try await body(node)
            try await channel.close().get()
            return result
        } catch {
            try? await channel.close().get()
            throw error
        }
    }

    private final class Guest: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let info: String
        private var afterwards: ArraySlice<String>
        private let reply: @Sendable (Int) -> String?
        private let state: StateBox
        private var parser = CommandParser()

        init(info: String, afterwards: ArraySlice<String>, reply: @escaping @Sendable (Int) -> String?, state: StateBox) {
            (self.info, self.afterwards, self.reply, self.state) = (info, afterwards, reply, state)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
            goOn(context)
        }

        /// The next piece once the one before has gone, so that a reset in answer to it is seen.
        private func goOn(_ context: ChannelHandlerContext) {
            guard let text = afterwards.popFirst() else {
                state.state.withLock { $0.farewells += 1 }
                return context.close(promise: nil)
            }
            let written = context.eventLoop.makePromise(of: Void.self)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: written)
            written.futureResult.assumeIsolated().whenComplete { result in
                guard case .success = result else { return self.wasReset(context) }
                // Longer than a reset takes over loopback.
                context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { self.goOn(context) }
            }
        }

        private func wasReset(_ context: ChannelHandlerContext) {
            state.state.withLock { $0.resets += 1 }
            context.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { wasReset(context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            parser.feed(unwrapInboundIn(data).readableBytesView)
            while let command = try? parser.next() {
                let words = command.words.map { String(decoding: $0, as: UTF8.self) }
                // The original's front knows no capitals: it answers them with nothing, for ever.
                if words[0] == "info" {
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: info)), promise: nil)
                    continue
                }
                let number = state.state.withLock { state in
                    state.answers.append(words)
                    return state.answers.count
                }
                guard let text = reply(number) else { return context.close(promise: nil) }
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            }
        }
    }
}

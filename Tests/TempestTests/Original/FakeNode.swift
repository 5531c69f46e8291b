// A node of the original as a test wants it: listens, answers INFO, and says to an answer what the test says.

import NIOCore
import NIOPosix
import Synchronization

@testable import TempestRedis

final class FakeNode: Sendable {
    fileprivate struct State {
        var answers: [[String]] = []
        var connections = 0
        var open = 0
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

    /// What was sent besides INFO.
    var answers: [[String]] { state.state.withLock { $0.answers } }
    /// Connections that ever came.
    var connections: Int { state.state.withLock { $0.connections } }
    /// Connections that are open.
    var open: Int { state.state.withLock { $0.open } }

    /// - Parameters:
    ///   - everywhere: whether it listens on all addresses of this machine, of which it has many.
    ///   - info: the bytes with which INFO is answered, the original's if not given.
    ///   - reply: what is said to the answer of that number, from 1; nil: hung up.
    static func run<R>(
        everywhere: Bool = false, info: String = "$21\r\nredis_version:2.4.5\r\n\r\n",
        reply: @escaping @Sendable (Int) -> String? = { _ in "+OK\r\n" },
        _ body: (FakeNode) async throws -> R
    ) async throws -> R {
        let state = StateBox()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    state.state.withLock { ($0.connections, $0.open) = ($0.connections + 1, $0.open + 1) }
                    channel.closeFuture.whenComplete { _ in state.state.withLock { $0.open -= 1 } }
                    try channel.pipeline.syncOperations.addHandler(Guest(info: info, reply: reply, state: state))
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
        private let reply: @Sendable (Int) -> String?
        private let state: StateBox
        private var parser = CommandParser()

        init(info: String, reply: @escaping @Sendable (Int) -> String?, state: StateBox) {
            (self.info, self.reply, self.state) = (info, reply, state)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            parser.feed(unwrapInboundIn(data).readableBytesView)
            while let command = try? parser.next() {
                let words = command.words.map { String(decoding: $0, as: UTF8.self) }
                if words[0] == "INFO" {
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

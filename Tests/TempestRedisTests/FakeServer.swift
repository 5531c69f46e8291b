// A server on a unix socket that says what a test tells it to, for what a real Redis cannot be made to say.

import NIOCore
import NIOPosix
import TempestTesting

/// Answers each command, known by its first words, with bytes of the test's choice; anything else with `+OK`.
struct FakeServer {
    let url: String

    /// - Parameters:
    ///   - greeting: bytes sent to each client at once, after which the connection is closed.
    ///   - replies: the command's first word, such as `INFO`, and the bytes to answer it with.
    static func run<R>(
        greeting: String? = nil, replies: [String: String] = [:], _ body: (FakeServer) async throws -> R
    ) async throws -> R {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/fake.sock"
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(FakeConversation(greeting: greeting, replies: replies))
                    }
                }
                .bind(unixDomainSocketPath: path).get()
            do {
                let result = try await body(FakeServer(url: "unix://\(path)"))
                try await server.close().get()
                return result
            } catch {
                try? await server.close().get()
                throw error
            }
        }
    }
}

private final class FakeConversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: String?
    private let replies: [String: String]
    private var received = ""

    init(greeting: String?, replies: [String: String]) {
        self.greeting = greeting
        self.replies = replies
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let greeting = self.greeting else { return }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil)
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received += String(buffer: self.unwrapInboundIn(data))
        // Commands are arrays of strings; a test's strings have no line ends in them. The last one may be incomplete.
        while let (words, rest) = Self.command(self.received) {
            self.received = rest
            let reply = words.first.flatMap { self.replies[$0] } ?? "+OK\r\n"
            context.write(self.wrapOutboundOut(ByteBuffer(string: reply)), promise: nil)
        }
        context.flush()
    }

    private static func command(_ text: String) -> ([String], String)? {
        // Swift takes \r\n for one character.
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
        guard let head = lines.popFirst(), let count = Int(head.dropFirst()), lines.count > 2 * count else { return nil }
        let words = (0..<count).map { String(lines[lines.startIndex + 2 * $0 + 1]) }
        return (words, lines.dropFirst(2 * count).joined(separator: "\r\n"))
    }
}

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TempestTesting
import Testing

@testable import TempestRedis

/// A client that sends bytes of the test's choice and keeps what comes.
final class RawClient: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let bytes = Mutex<[UInt8]>([])
    private let channel = Mutex<(any Channel)?>(nil)

    static func connect(_ port: Int) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(client) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        client.channel.withLock { $0 = channel }
        return client
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let more = Array(unwrapInboundIn(data).readableBytesView)
        bytes.withLock { $0 += more }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Whether the server has not hung up.
    var isOpen: Bool { channel.withLock { $0?.isActive ?? false } }
    var received: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { channel.withLock { $0 }?.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func ask(_ text: String, until suffix: String) async throws {
        send(text)
        try await eventually("\(suffix.debugDescription) in \(received.debugDescription)") { self.received.hasSuffix(suffix) }
    }

    func stopReading() async throws { try await channel.withLock { $0 }?.setOption(.autoRead, value: false).get() }

    func close() { channel.withLock { $0 }?.close(promise: nil) }
}

@Suite("A node that listens")
struct AnswerListenerTests {
    private final class Taken: Sendable {
        let answers = Mutex<[DirectAnswer]>([])
    }

    private func run<R>(
        password: String? = nil, _ change: (inout ListenerLimits) -> Void = { _ in },
        admits: @escaping @Sendable (SocketAddress) -> Bool = { _ in true },
        _ body: (AnswerListener, Taken) async throws -> R
    ) async throws -> R {
        var limits = ListenerLimits()
        change(&limits)
        let taken = Taken()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let listener = try await AnswerListener.start(
            host: "127.0.0.1", port: 0, password: password, limits: limits, logger: logger, admits: admits
        ) { answer in
            taken.answers.withLock { $0.append(answer) }
            switch answer.job {
            case "1": return .taken
            case "2": return .late
            default: return .refused("no job \(answer.job) was called\r\n+OK here")
            }
        }.get()
        do {
            let result = try await body(listener, taken)
            await listener.close()
            return result
        } catch {
            await listener.close()
            throw error
        }
    }

    @Test("Answers are delivered and told what became of them, many in one packet")
    func answers() async throws {
        try await run { listener, taken in
            let client = try await RawClient.connect(listener.port)
            try await client.ask(
                "*3\r\n$3\r\nadd\r\n$1\r\n1\r\n$3\r\n[5]\r\nadd 2 [6] {}\r\nadd 3 [7]\r\n",
                until: "+OK\r\n+LATE\r\n-ERR no job 3 was called  +OK here\r\n")
            #expect(
                taken.answers.withLock { $0 } == [
                    DirectAnswer(action: "add", job: "1", payload: Array("[5]".utf8)),
                    DirectAnswer(action: "add", job: "2", payload: Array("[6]".utf8), meta: Array("{}".utf8)),
                    DirectAnswer(action: "add", job: "3", payload: Array("[7]".utf8)),
                ])
            try await client.ask("QUIT\r\n", until: "+OK\r\n")
            try await eventually("it hangs up") { !client.isOpen && listener.connections == 0 }
        }
    }

    @Test("A large answer comes whole; what is too large is refused by its claim, before it comes")
    func large() async throws {
        try await run { listener, taken in
            let client = try await RawClient.connect(listener.port)
            let payload = [UInt8](repeating: 0x41, count: 15 << 20)
            client.send(Array("*3\r\n$3\r\nadd\r\n$1\r\n1\r\n$\(payload.count)\r\n".utf8) + payload + Array("\r\n".utf8))
            try await eventually("OK") { client.received == "+OK\r\n" }
            #expect(taken.answers.withLock { $0.first?.payload.count } == payload.count)
            #expect(listener.unfinishedBytes == 0)
            try await client.ask("*3\r\n$3\r\nadd\r\n$1\r\n1\r\n$999999999\r\n", until: "at most 16777216 bytes\r\n")
            try await eventually("it hangs up") { !client.isOpen }
        }
    }

    @Test("Who sends slowly is hung up on when a command's time is over, who waits between commands is not")
    func slow() async throws {
        try await run({ $0.commandTime = .milliseconds(300) }) { listener, _ in
            let (slow, still) = (try await RawClient.connect(listener.port), try await RawClient.connect(listener.port))
            let start = ContinuousClock.now
            slow.send("*3\r\n$3000000\r\nad")
            try await eventually("the slow one is gone") {
                slow.send("d")
                return !slow.isOpen
            }
            #expect(ContinuousClock.now - start >= .milliseconds(290))
            #expect(slow.received.contains("-ERR"))
            try await still.ask("PING\r\n", until: "+PONG\r\n")
        }
    }

    @Test("Who says nothing for long is hung up on")
    func idle() async throws {
        try await run({ ($0.idleTime, $0.commandTime) = (.milliseconds(200), .milliseconds(200)) }) { listener, _ in
            let client = try await RawClient.connect(listener.port)
            try await eventually("it is gone") { !client.isOpen && listener.connections == 0 }
        }
    }

    @Test("Too many connections: the one that was silent longest makes room, if it was for long enough")
    func many() async throws {
        try await run({ ($0.connections, $0.leastSilence) = (3, .seconds(2)) }) { listener, _ in
            var clients: [RawClient] = []
            for _ in 0..<3 {
                clients.append(try await RawClient.connect(listener.port))
                try await clients[clients.count - 1].ask("PING\r\n", until: "+PONG\r\n")
            }
            // The first speaks from now on, the second is silent.
            try await eventually("one more is let in") {
                try await clients[0].ask("PING\r\n", until: "+PONG\r\n")
                try await clients[2].ask("PING\r\n", until: "+PONG\r\n")
                let more = try await RawClient.connect(listener.port)
                clients.append(more)
                more.send("PING\r\n")
                try await eventually("an end") { !more.isOpen || more.received == "+PONG\r\n" }
                return more.isOpen
            }
            #expect(clients[0].isOpen && clients[2].isOpen && listener.connections <= 3)
            try await eventually("the silent one is gone") { !clients[1].isOpen }
        }
        try await run({ ($0.connections, $0.leastSilence) = (1, .hours(1)) }) { listener, _ in
            let first = try await RawClient.connect(listener.port)
            try await first.ask("PING\r\n", until: "+PONG\r\n")
            let second = try await RawClient.connect(listener.port)
            try await eventually("turned away") { !second.isOpen }
            try await first.ask("PING\r\n", until: "+PONG\r\n+PONG\r\n")
        }
    }

    @Test("Unfinished commands are limited over all connections, and forgotten with them")
    func together() async throws {
        try await run({ $0.unfinishedBytes = 10_000 }) { listener, _ in
            let (one, two) = (try await RawClient.connect(listener.port), try await RawClient.connect(listener.port))
            let part = "*1\r\n$100000\r\n" + String(repeating: "a", count: 6_000)
            one.send(part)
            try await eventually("it is counted") { listener.unfinishedBytes == 6_000 }
            try await two.ask(part, until: "too many unfinished commands: try again later\r\n")
            try await eventually("it is gone") { !two.isOpen && listener.unfinishedBytes == 6_000 }
            one.close()
            try await eventually("forgotten") { listener.unfinishedBytes == 0 && listener.connections == 0 }
        }
    }

    @Test("Who reads no replies is not read from")
    func unread() async throws {
        try await run { listener, taken in
            let client = try await RawClient.connect(listener.port)
            try await client.ask("PING\r\n", until: "+PONG\r\n")
            try await client.stopReading()
            // Replies of 3 KiB to 3 KiB: many times what the sockets hold.
            let echo = "*2\r\n$4\r\nECHO\r\n$3000\r\n" + String(repeating: "e", count: 3000) + "\r\n"
            for _ in 0..<100 { client.send(String(repeating: echo, count: 100)) }
            client.send("add 1 [5]\r\n")
            let other = try await RawClient.connect(listener.port)
            try await other.ask("add 1 [6]\r\n", until: "+OK\r\n")
            #expect(taken.answers.withLock { $0.map { String(decoding: $0.payload, as: UTF8.self) } } == ["[6]"])
            client.close()
        }
    }

    @Test("Who may not come is hung up on before a word is read")
    func peers() async throws {
        try await run(admits: { _ in false }) { listener, taken in
            let client = try await RawClient.connect(listener.port)
            client.send("add 1 [5]\r\n")
            try await eventually("it is gone") { !client.isOpen }
            #expect(client.received.isEmpty && taken.answers.withLock { $0.isEmpty } && listener.connections == 0)
        }
    }

    @Test("An address that is not ours, or taken, is refused with a sentence")
    func addresses() async throws {
        try await run { listener, _ in
            let logger = Logger(label: "test")
            for (host, port) in [("192.0.2.1", 0), ("127.0.0.1", listener.port)] {
                let error = await #expect(throws: RedisError.self) {
                    _ = try await AnswerListener.start(host: host, port: port, logger: logger, admits: { _ in true }) { _ in
                        .taken
                    }.get()
                }
                #expect(error?.message.contains("\(host):\(port)") == true)
            }
        }
    }

    @Test("redis-cli talks to a node that listens, in RESP2 and in RESP3", arguments: [[], ["-3"]])
    func cli(_ option: [String]) async throws {
        let listener = try await AnswerListener.start(
            host: "127.0.0.1", port: 0, logger: Logger(label: "test"), admits: { _ in true }
        ) { $0.job == "7" ? .taken : .refused("no such job") }.get()
        func ask(_ words: String...) async throws -> String {
            try await ProcessRunner("redis-cli", option + ["-p", "\(listener.port)"] + words).run { child in
                _ = try await child.waitForExit()
                return child.output.joined(separator: "\n")
            }
        }
        #expect(try await ask("add", "7", "[5]") == "OK")
        #expect(try await ask("add", "8", "[5]").contains("ERR no such job"))
        #expect(try await ask("PING") == "PONG")
        #expect(try await ask("INFO").contains("redis_version:7.0.0"))
        #expect(try await ask("SET", "a", "b").contains("is a command of Redis"))
        #expect(try await ask("-n", "2", "PING") == "PONG")
        await listener.close()
    }
}

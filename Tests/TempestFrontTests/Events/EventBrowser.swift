// What a browser is to an event stream: a socket that asks once and then reads.
// Made by EventFront; kept raw, so that tests see every byte of what comes.

import NIOCore
import NIOPosix
import Synchronization
import TempestTesting

final class EventBrowser: Sendable {
    private let channel: any Channel
    private let box: Received

    /// What has come so far.
    private final class Received: Sendable {
        let state = Mutex<(bytes: [UInt8], isClosed: Bool)>(([], false))
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let box: Received

        init(_ box: Received) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data).readableBytesView
            box.state.withLock { $0.bytes.append(contentsOf: bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) { box.state.withLock { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private init(channel: any Channel, box: Received) { (self.channel, self.box) = (channel, box) }

    static func connect(port: Int, path: String, headers: [String], reads: Bool) async throws -> EventBrowser {
        let box = Received()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 65_536 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Reader(box)) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let lines = ["GET \(path) HTTP/1.1", "host: localhost", "accept: text/event-stream"] + headers
        try await channel.writeAndFlush(ByteBuffer(string: lines.map { $0 + "\r\n" }.joined() + "\r\n"))
        return EventBrowser(channel: channel, box: box)
    }

    /// Everything, as it came.
    var raw: String { String(decoding: box.state.withLock { $0.bytes }, as: UTF8.self) }
    /// Whether the connection is closed.
    var isClosed: Bool { box.state.withLock { $0.isClosed } }
    /// The status; 0 before it has come.
    var status: Int { Int(raw.dropFirst(9).prefix(3)) ?? 0 }

    /// The head, in lower case.
    var head: String {
        let bytes = box.state.withLock { $0.bytes }
        guard let end = Self.end(of: [13, 10, 13, 10], in: bytes[...]) else { return "" }
        return String(decoding: bytes[..<end], as: UTF8.self).lowercased()
    }

    /// Whether the response has its proper end.
    var isComplete: Bool { box.state.withLock { Array($0.bytes.suffix(7)) } == Array("\r\n0\r\n\r\n".utf8) }

    /// The body, out of its chunks.
    var body: String {
        let bytes = box.state.withLock { $0.bytes }
        var rest = bytes[...]
        guard let head = Self.end(of: [13, 10, 13, 10], in: rest) else { return "" }
        rest = rest[head...]
        var body: [UInt8] = []
        while let line = Self.end(of: [13, 10], in: rest),
            let size = Int(String(decoding: rest[rest.startIndex..<line - 2], as: UTF8.self), radix: 16), size > 0,
            rest.endIndex - line >= size
        {
            body += rest[line..<line + size]
            rest = rest[min(line + size + 2, rest.endIndex)...]
        }
        return String(decoding: body, as: UTF8.self)
    }

    private static func end(of mark: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= mark.count else { return nil }
        for start in bytes.startIndex...bytes.endIndex - mark.count
        where bytes[start..<start + mark.count].elementsEqual(mark) { return start + mark.count }
        return nil
    }

    /// The values of the fields of this name, in their order.
    func fields(_ name: String) -> [String] {
        body.split(separator: "\n").compactMap { $0.hasPrefix("\(name): ") ? String($0.dropFirst(name.count + 2)) : nil }
    }

    /// Waits until the body has this.
    func sees(_ text: String, within limit: Duration = .seconds(20)) async throws {
        try await eventually(within: limit, "\(text.debugDescription) comes") {
            if self.body.contains(text) { return true }
            if self.isClosed { throw Closed(before: text, raw: self.raw) }
            return false
        }
    }

    /// The connection was closed before something came.
    struct Closed: Error {
        let before: String
        let raw: String
    }

    /// Waits until this is among the last bytes; for long streams.
    func endsWith(_ text: String) async throws {
        try await eventually(within: .seconds(20), "\(text.debugDescription) comes") {
            let tail = self.box.state.withLock { Array($0.bytes.suffix(100)) }
            return String(decoding: tail, as: UTF8.self).contains(text)
        }
    }

    /// Waits until the response has come; for those that are no streams.
    func answered() async throws { try await eventually("a status comes") { self.status > 0 } }

    func readOn() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Goes away without a word.
    func leave() async throws { try? await channel.close().get() }
}

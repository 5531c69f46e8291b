// A WebSocket client for tests that can also do what a browser never does; and workers without Redis.

import HummingbirdCore
import Logging
import NIOCore
import Synchronization
import Tempest
import TempestCodecs
import TempestTesting

@testable import TempestFront

/// A frame as a browser gets it.
struct ClientFrame: Equatable, CustomStringConvertible {
    var opcode: UInt8
    var payload: [UInt8]
    var text: String { String(decoding: payload, as: UTF8.self) }
    var code: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    var description: String { code.map { "close \($0)" } ?? "\(opcode): \(payload.count) bytes: \(text.prefix(200))" }
}

struct SocketClient: Sendable {
    let raw: RawClient

    static func request(_ path: String = "/socket", _ fields: [String] = [], without: String? = nil) -> String {
        let usual = [
            "Host: front", "Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ].filter { line in without.map { !line.hasPrefix($0) } ?? true }
        return "GET \(path) HTTP/1.1\r\n" + (usual + fields).map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// Connects, and throws when it is not answered 101.
    static func connect(
        _ port: Int, path: String = "/socket", _ fields: [String] = [], reads: Bool = true, protocols: [String]? = nil
    ) async throws -> SocketClient {
        let client = SocketClient(raw: try await RawClient.connect(port, reads: reads, protocols: protocols))
        try await client.raw.send(request(path, fields))
        if reads { try await client.handshake() }
        return client
    }

    /// Waits for 101 and takes it away.
    func handshake() async throws {
        try await eventually("the handshake is answered") { raw.text.contains("\r\n\r\n") || raw.isClosed }
        let head = raw.take { bytes -> String in
            let end = bytes.indices.first { bytes[$0...].starts(with: "\r\n\r\n".utf8) }.map { $0 + 4 } ?? bytes.count
            defer { bytes.removeFirst(end) }
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
        guard head.hasPrefix("HTTP/1.1 101 ") else { throw TestFailure("the handshake was answered “\(head)”") }
    }

    static func frame(
        _ opcode: UInt8, _ payload: some Collection<UInt8>, final: Bool = true, mask: [UInt8] = [7, 11, 13, 17]
    )
        -> [UInt8]
    {
        var bytes = [(final ? 0x80 : 0) | opcode]
        switch payload.count {
        case ..<126: bytes.append(0x80 | UInt8(payload.count))
        case ..<65536: bytes += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: bytes += [0xFF] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        bytes += mask
        bytes += zip(payload, 0...).map { $0 ^ mask[$1 & 3] }
        return bytes
    }

    func send(_ text: String) async throws { try await raw.send(Self.frame(1, text.utf8)) }
    func send(_ opcode: UInt8, _ payload: [UInt8], final: Bool = true) async throws {
        try await raw.send(Self.frame(opcode, payload, final: final))
    }
    func close(_ code: UInt16, _ reason: String = "") async throws {
        try await send(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    /// The next frame from the front.
    func next(within limit: Duration = .seconds(10)) async throws -> ClientFrame {
        let found = Mutex<ClientFrame?>(nil)
        try await eventually(within: limit, "a frame comes") {
            let frame = raw.take { Self.take(&$0) }
            guard let frame else {
                if raw.isClosed { throw TestFailure("the front has closed; left: \(raw.received)") }
                return false
            }
            found.withLock { $0 = frame }
            return true
        }
        guard let frame = found.withLock({ $0 }) else { throw TestFailure("no frame") }
        return frame
    }

    private static func take(_ bytes: inout [UInt8]) -> ClientFrame? {
        guard bytes.count >= 2 else { return nil }
        var (length, start) = (Int(bytes[1] & 0x7F), 2)
        if length == 126 {
            guard bytes.count >= 4 else { return nil }
            (length, start) = (Int(bytes[2]) << 8 | Int(bytes[3]), 4)
        } else if length == 127 {
            guard bytes.count >= 10 else { return nil }
            (length, start) = (bytes[2..<10].reduce(0) { $0 << 8 | Int($1) }, 10)
        }
        guard bytes.count >= start + length else { return nil }
        defer { bytes.removeFirst(start + length) }
        return ClientFrame(opcode: bytes[0] & 0x0F, payload: Array(bytes[start..<start + length]))
    }

    /// Reads frames up to a close, and the end of the connection after it.
    func closed() async throws -> Int? {
        var frame = try await next()
        while frame.opcode != 8 { frame = try await next() }
        return frame.code
    }
}

/// Workers without Redis: a test sees each event and replies as it likes.
final class TestBackend: SocketBackend {
    final class Line: SocketLine {
        let backend: TestBackend
        let meta: ValueMap
        let receive: @Sendable (SocketReply) -> Void
        init(_ backend: TestBackend, _ meta: ValueMap, _ receive: @escaping @Sendable (SocketReply) -> Void) {
            (self.backend, self.meta, self.receive) = (backend, meta, receive)
        }
        func send(_ event: SocketEvent) {
            backend.seen.withLock { $0.append(event) }
            backend.answer(self, event)
        }
        func reply(_ frames: SocketFrame...) { receive(.frames(frames, isLast: true)) }
    }

    fileprivate let seen = Mutex<[SocketEvent]>([])
    let lines = Mutex<[Line]>([])
    private let answer: @Sendable (Line, SocketEvent) -> Void

    /// By default an echo.
    init(_ answer: @escaping @Sendable (Line, SocketEvent) -> Void = TestBackend.echo) { self.answer = answer }

    func line(for route: SocketRoute, meta: ValueMap, receive: @escaping @Sendable (SocketReply) -> Void) -> any SocketLine {
        let line = Line(self, meta, receive)
        lines.withLock { $0.append(line) }
        return line
    }

    static func echo(_ line: Line, _ event: SocketEvent) {
        switch event {
        case .open: line.reply()
        case .message(.text(let text)): line.reply(.text(text))
        case .message(.binary(let bytes)): line.reply(.binary(bytes))
        case .close: break
        }
    }

    /// What has happened, in short.
    var events: [String] {
        seen.withLock { $0 }.map { event in
            switch event {
            case .open: "open"
            case .message(.text(let text)): "text \(text)"
            case .message(.binary(let bytes)): "binary \(bytes.count)"
            case .close(let code, let reason): "close \(code.rawValue) \(reason)"
            }
        }
    }
}

/// Runs a server with one socket route, `/socket/*`.
func withSocket<R: Sendable>(
    _ backend: some SocketBackend, limits: SocketLimits = .hasty, most: Int = 100, origins: SocketRoute.Origins = .same,
    allowsNoOrigin: Bool = true, open: SocketCount = SocketCount(), registry: ConnectionRegistry = .init(),
    _ body: @escaping @Sendable (Int) async throws -> R
) async throws -> R {
    var route = SocketRoute(
        try PathPattern("/socket/*"), queue: try .init("chat"), origins: origins, allowsNoOrigin: allowsNoOrigin, limits: limits)
    route.protocols = ["chat.1"]
    var logger = Logger(label: "socket.tests")
    logger.logLevel = .critical
    let door = SocketDoor([route], backend: backend, isTLS: false, most: most, open: open, logger: logger)
    return try await withServer(.front(limits: .brisk, tls: nil, allowsHTTP2: false, registry: registry, upgrader: door), body)
}

extension SocketLimits {
    /// Does not wait long for browsers that were closed and say nothing.
    static var hasty: SocketLimits {
        var limits = SocketLimits()
        limits.close = .milliseconds(300)
        return limits
    }
}

func withServer<R: Sendable>(_ server: HTTPServerBuilder, _ body: @escaping @Sendable (Int) async throws -> R) async throws -> R {
    try await withServer(server, router: echoRouter(), body)
}

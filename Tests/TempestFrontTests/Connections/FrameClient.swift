// A client of HTTP/2 that sends the frames a test wants, right or wrong.

import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHPACK
import NIOSSL
import Synchronization
import TempestTesting

@testable import TempestFront

final class FrameClient: Sendable {
    struct Frame: Sendable {
        var type: UInt8
        var flags: UInt8
        var stream: Int
        var payload: [UInt8]
        var headers: [(String, String)] = []

        var endsStream: Bool { flags & 1 == 1 && type <= 1 }
        /// Of RST_STREAM; of GOAWAY it is the second word.
        func code(at place: Int = 0) -> UInt32 {
            payload.dropFirst(place).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// What has come of one stream.
    struct Answer: Sendable {
        var status: Int?
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        /// With END_STREAM.
        var isWhole = false
        var reset: UInt32?

        var isOver: Bool { isWhole || reset != nil }
        func header(_ name: String) -> String? { headers.first { $0.0 == name }?.1 }
    }

    private struct State {
        /// Of a header block whose end has not come.
        var block: [UInt8] = []
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator(), maxDynamicTableSize: 4096, maxHeaderListSize: 1 << 20)
        var frames: [Frame] = []
    }

    let raw: RawClient
    private let state = Mutex(State())
    private let encoder = Mutex(HPACKEncoder(allocator: ByteBufferAllocator()))

    /// - Parameters:
    ///   - window: the first window of each stream; nil: 65,535.
    ///   - frameSize: the bytes of a frame that it takes; nil: 16,384.
    ///   - confirms: whether it confirms the server's settings.
    static func connect(_ port: Int, window: Int? = nil, frameSize: Int? = nil, confirms: Bool = true) async throws -> FrameClient
    {
        let client = FrameClient(try await RawClient.connect(port, protocols: ["h2"]))
        var settings: [UInt8] = []
        if let window { settings = [0, 4] + bytes(UInt32(window)) }
        if let frameSize { settings += [0, 5] + bytes(UInt32(frameSize)) }
        try await client.raw.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, settings))
        if confirms { try await client.raw.send(frame(4, 1, 0, [])) }
        return client
    }

    private init(_ raw: RawClient) { self.raw = raw }

    static func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        Array(bytes(UInt32(payload.count)).dropFirst()) + [type, flags] + bytes(UInt32(stream)) + payload
    }

    func send(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8] = []) async throws {
        try await raw.send(Self.frame(type, flags, stream, payload))
    }

    func get(_ stream: Int, _ path: String, _ more: [(String, String)] = [], authority: String? = "front") async throws {
        try await ask(stream, "GET", path, more, authority: authority)
    }

    /// Sends the headers of a request, in as many frames as they need.
    ///
    /// - Parameter size: bytes of a frame.
    func ask(
        _ stream: Int, _ method: String, _ path: String, _ more: [(String, String)] = [], authority: String? = "front",
        ends: Bool = true, size: Int = 16_384
    ) async throws {
        var headers = [(":method", method), (":scheme", "https"), (":path", path)]
        if let authority { headers.append((":authority", authority)) }
        headers += more
        var block = ByteBuffer()
        try encoder.withLock { encoder in
            // Not indexed: what a test sends is what it says.
            try encoder.encode(headers: HPACKHeaders(headers), to: &block)
        }
        var rest = Array(block.readableBytesView)
        var type: UInt8 = 1
        repeat {
            let part = Array(rest.prefix(size))
            rest.removeFirst(part.count)
            try await send(type, (rest.isEmpty ? 4 : 0) | (type == 1 && ends ? 1 : 0), stream, part)
            type = 9
        } while !rest.isEmpty
    }

    func window(_ stream: Int, _ increment: Int) async throws { try await send(8, 0, stream, Self.bytes(UInt32(increment))) }

    /// All frames that have come so far.
    var frames: [Frame] {
        let new = raw.take { bytes -> [Frame] in
            var (new, place): ([Frame], Int) = ([], 0)
            while bytes.count - place >= 9 {
                let length = bytes[place..<place + 3].reduce(0) { $0 << 8 | Int($1) }
                guard bytes.count - place - 9 >= length else { break }
                let stream = bytes[place + 5..<place + 9].reduce(0) { $0 << 8 | Int($1) }
                new.append(
                    Frame(
                        type: bytes[place + 3], flags: bytes[place + 4], stream: stream,
                        payload: Array(bytes[place + 9..<place + 9 + length])))
                place += 9 + length
            }
            bytes.removeFirst(place)
            return new
        }
        return state.withLock { state in
            for var frame in new {
                if frame.type == 1 || frame.type == 9 { state.block += frame.payload }
                if frame.type == 1 || frame.type == 9, frame.flags & 4 != 0 {
                    var block = ByteBuffer(bytes: state.block)
                    state.block = []
                    frame.headers = (try? state.decoder.decodeHeaders(from: &block))?.map { ($0.name, $0.value) } ?? []
                }
                state.frames.append(frame)
            }
            return state.frames
        }
    }

    func answer(_ stream: Int) -> Answer {
        var answer = Answer()
        for frame in frames where frame.stream == stream {
            switch frame.type {
            case 0: answer.body += frame.payload
            case 1, 9:
                answer.headers += frame.headers
                answer.status = answer.header(":status").flatMap { Int($0) }
            // After the end a reset with NO_ERROR only says that the rest of the request is not wanted.
            case 3: if !answer.isWhole { answer.reset = frame.code() }
            default: break
            }
            if frame.endsStream { answer.isWhole = true }
        }
        return answer
    }

    /// The answer when it is over.
    func whole(_ stream: Int) async throws -> Answer {
        try await eventually(within: .seconds(15), "stream \(stream) ends") { answer(stream).isOver || raw.isClosed }
        return answer(stream)
    }

    /// The last stream that the last GOAWAY names.
    var lastStream: Int? { frames.last { $0.type == 7 }.map { Int($0.code()) } }

    /// The code of the last GOAWAY.
    var goAway: UInt32? { frames.last { $0.type == 7 }?.code(at: 4) }
}

/// A server by TLS for the body, which gets its port.
func withSecureServer<R: Sendable>(
    _ limits: ConnectionLimits = .brisk, router: Router<BasicRequestContext> = echoRouter(),
    registry: ConnectionRegistry = .init(), upgrader: (any ConnectionUpgrader)? = nil,
    _ body: @escaping @Sendable (Int) async throws -> R
) async throws -> R {
    try await withTemporaryDirectory { directory in
        let words = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=front", "-keyout", "front.key", "-out", "front.crt",
        ]
        try await ProcessRunner("openssl", words, workingDirectory: directory).run { openssl in
            _ = try await openssl.waitForExit()
        }
        let tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(directory)/front.crt").map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(directory)/front.key", format: .pem)))
        let server = HTTPServerBuilder.front(
            limits: limits, tls: tls, allowsHTTP2: true, registry: registry, upgrader: upgrader)
        return try await withServer(server, router: router, body)
    }
}

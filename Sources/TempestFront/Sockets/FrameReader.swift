// Frames out of bytes (RFC 6455, 5), strict and without I/O. Before it: SocketHandler, which reads the socket. After it: SocketReader.

import NIOCore
import NIOWebSocket

/// What a browser did that a WebSocket must not, and the code that it is told.
struct SocketProblem: Error, Equatable {
    let code: CloseCode
    let reason: String

    static func wrong(_ reason: String) -> SocketProblem { SocketProblem(code: .protocolError, reason: reason) }
}

struct FrameReader {
    struct Frame {
        var opcode: WebSocketOpcode
        var isFinal: Bool
        var payload: ByteBuffer
    }

    private let limit: Int
    private var buffer = ByteBuffer()

    init(limit: Int) { self.limit = limit }

    /// Bytes that make no whole frame yet.
    var waiting: Int { buffer.readableBytes }

    mutating func add(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next frame, unmasked; nil: more bytes are needed. What is wrong with a header is told before its payload has come.
    mutating func next() throws(SocketProblem) -> Frame? {
        var rest = buffer
        guard let (first, second) = rest.readMultipleIntegers(as: (UInt8, UInt8).self) else { return nil }
        guard first & 0x70 == 0 else { throw .wrong("reserved bits") }
        guard let opcode = WebSocketOpcode(encodedWebSocketOpcode: first & 0x0F), Self.known.contains(opcode) else {
            throw .wrong("unknown opcode")
        }
        guard second & 0x80 != 0 else { throw .wrong("unmasked frame") }
        let isFinal = first & 0x80 != 0
        let short = Int(second & 0x7F)
        if opcode.isControlOpcode {
            guard isFinal else { throw .wrong("fragmented control frame") }
            guard short < 126 else { throw .wrong("control frame above 125 bytes") }
        }
        var length = short
        if short == 126 {
            guard let long = rest.readInteger(as: UInt16.self) else { return nil }
            guard long >= 126 else { throw .wrong("length not in its shortest form") }
            length = Int(long)
        } else if short == 127 {
            guard let long = rest.readInteger(as: UInt64.self) else { return nil }
            guard long >= 65536, long <= UInt64(Int64.max) else { throw .wrong("length not in its shortest form") }
            length = Int(long)
        }
        guard length <= limit else { throw SocketProblem(code: .tooBig, reason: "frame above \(limit) bytes") }
        guard rest.readableBytes >= 4 + length else { return nil }
        guard let key = rest.readBytes(length: 4).flatMap({ WebSocketMaskingKey($0) }),
            var payload = rest.readSlice(length: length)
        else { return nil }
        payload.webSocketUnmask(key)
        buffer = rest
        return Frame(opcode: opcode, isFinal: isFinal, payload: payload)
    }

    private static let known: [WebSocketOpcode] = [.continuation, .text, .binary, .connectionClose, .ping, .pong]
}

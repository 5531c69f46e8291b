// Reads frames from bytes (RFC 6455, 5), strictly and without I/O: headers as soon as they are complete, payloads as they come.

import NIOCore
import NIOWebSocket

/// What a browser did that a WebSocket must not, and the code that it is told.
struct SocketProblem: Error, Equatable {
    let code: CloseCode
    let reason: String

    static func wrong(_ reason: String) -> SocketProblem { SocketProblem(code: .protocolError, reason: reason) }
}

struct FrameReader {
    /// A control frame, which is always whole, or as much of a data frame as has come.
    struct Part {
        var opcode: WebSocketOpcode
        /// Whether the frame is the last of its message.
        var isFinal: Bool
        /// Bytes of the whole frame's payload.
        var length: Int
        /// Whether this is the first part of its frame, and whether it is the last.
        var isFirst: Bool
        var isLast: Bool
        /// Unmasked.
        var payload: ByteBuffer
    }

    private struct Head {
        var opcode: WebSocketOpcode
        var isFinal: Bool
        var length: Int
        var key: WebSocketMaskingKey
        /// Bytes of the payload that were handed out.
        var taken = 0
        var isNew = true
    }

    private let limit: Int
    private var buffer = ByteBuffer()
    private var head: Head?

    /// - Parameter limit: bytes of a data frame at most.
    init(limit: Int) { self.limit = limit }

    /// Bytes that have come and were not handed out.
    var held: Int { buffer.readableBytes }

    mutating func add(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            // What was read already must not pile up on a connection on which frames never end where reads do.
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next part; nil: more bytes are needed. What is wrong with a header is told before its payload has come.
    mutating func next() throws(SocketProblem) -> Part? {
        if head == nil { head = try readHead() }
        guard var head else { return nil }
        let left = head.length - head.taken
        if head.opcode.isControlOpcode, buffer.readableBytes < left { return nil }
        let count = min(left, buffer.readableBytes)
        guard count > 0 || head.isNew, var payload = buffer.readSlice(length: count) else { return nil }
        payload.webSocketUnmask(head.key, indexOffset: head.taken)
        let part = Part(
            opcode: head.opcode, isFinal: head.isFinal, length: head.length, isFirst: head.isNew, isLast: count == left,
            payload: payload)
        (head.taken, head.isNew) = (head.taken + count, false)
        self.head = part.isLast ? nil : head
        return part
    }

    private mutating func readHead() throws(SocketProblem) -> Head? {
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
        guard opcode.isControlOpcode || length <= limit else {
            throw SocketProblem(code: .tooBig, reason: "frame above \(limit) bytes")
        }
        guard let key = rest.readBytes(length: 4).flatMap({ WebSocketMaskingKey($0) }) else { return nil }
        buffer = rest
        return Head(opcode: opcode, isFinal: isFinal, length: length, key: key)
    }

    private static let known: [WebSocketOpcode] = [.continuation, .text, .binary, .connectionClose, .ping, .pong]
}

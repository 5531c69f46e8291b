// Makes messages of frames: fragments are joined, text is checked as it comes, closes are understood.

import NIOCore
import NIOWebSocket

/// The data of one message.
enum SocketData: Sendable, Equatable {
    case text(String)
    case binary([UInt8])

    /// Bytes.
    var count: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

struct SocketReader {
    enum Event: Equatable {
        case message(SocketData)
        case ping(ByteBuffer)
        case pong
        case close(CloseCode, String)
    }

    private struct Message {
        /// nil: it is binary.
        var check: TextCheck?
        var bytes = ByteBuffer()

        mutating func add(_ payload: ByteBuffer) throws(SocketProblem) {
            if check != nil {
                guard payload.withUnsafeReadableBytes({ check?.add($0) ?? true }) else { throw SocketReader.notUTF8 }
            }
            if bytes.readableBytes == 0 { bytes = payload } else { bytes.writeImmutableBuffer(payload) }
        }

        func data() throws(SocketProblem) -> SocketData {
            guard let check else { return .binary(Array(bytes.readableBytesView)) }
            guard check.isWhole else { throw SocketReader.notUTF8 }
            return .text(String(buffer: bytes))
        }
    }

    private var frames: FrameReader
    private let limit: Int
    private var message: Message?

    init(limits: SocketLimits) {
        frames = FrameReader(limit: limits.frame ?? limits.message)
        limit = limits.message
    }

    mutating func add(_ bytes: ByteBuffer) { frames.add(bytes) }

    /// Bytes of what has not become an event.
    var held: Int { frames.held + (message?.bytes.readableBytes ?? 0) }

    /// The next event; nil: more bytes are needed. After an error nothing more may be read.
    mutating func next() throws(SocketProblem) -> Event? {
        while let part = try frames.next() {
            switch part.opcode {
            case .ping: return .ping(part.payload)
            case .pong: return .pong
            case .connectionClose: return try Self.close(part.payload)
            case .continuation:
                guard message != nil else { throw .wrong("continuation of nothing") }
            default:
                guard part.isFirst else { break }
                guard message == nil else { throw .wrong("a message within a message") }
                message = Message(check: part.opcode == .text ? TextCheck() : nil)
            }
            guard var message else { continue }
            // Set aside, so that the bytes are not copied for each part.
            self.message = nil
            guard !part.isFirst || message.bytes.readableBytes + part.length <= limit else {
                throw SocketProblem(code: .tooBig, reason: "message above \(limit) bytes")
            }
            try message.add(part.payload)
            if part.isLast, part.isFinal { return .message(try message.data()) }
            self.message = message
        }
        return nil
    }

    private static let notUTF8 = SocketProblem(code: .notUTF8, reason: "text that is not UTF-8")

    private static func close(_ payload: ByteBuffer) throws(SocketProblem) -> Event {
        var payload = payload
        if payload.readableBytes == 0 { return .close(.none, "") }
        guard let raw = payload.readInteger(as: UInt16.self) else { throw .wrong("half a close code") }
        guard CloseCode(rawValue: raw).isSendable else { throw .wrong("a close code that must not be sent") }
        guard let reason = String(validating: payload.readableBytesView, as: UTF8.self) else {
            throw SocketProblem(code: .notUTF8, reason: "a reason that is not UTF-8")
        }
        return .close(CloseCode(rawValue: raw), reason)
    }
}

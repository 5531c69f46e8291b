// Messages out of frames: fragments joined, text checked, closes understood. Before it: FrameReader. After it: SocketHandler.

import NIOCore
import NIOWebSocket

/// The data of one message.
enum SocketData: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
}

struct SocketReader {
    enum Event: Equatable {
        case message(SocketData)
        case ping(ByteBuffer)
        case pong
        case close(CloseCode, String)
    }

    private var frames: FrameReader
    private let limit: Int
    private var message: (isText: Bool, bytes: ByteBuffer)?

    init(limits: SocketLimits) {
        frames = FrameReader(limit: limits.frame)
        limit = limits.message
    }

    mutating func add(_ bytes: ByteBuffer) { frames.add(bytes) }

    /// The next event; nil: more bytes are needed. After an error nothing more may be read.
    mutating func next() throws(SocketProblem) -> Event? {
        while let frame = try frames.next() {
            switch frame.opcode {
            case .ping: return .ping(frame.payload)
            case .pong: return .pong
            case .connectionClose: return try Self.close(frame.payload)
            case .continuation:
                guard message != nil else { throw .wrong("continuation of nothing") }
            default:
                guard message == nil else { throw .wrong("a message within a message") }
                message = (frame.opcode == .text, ByteBuffer())
            }
            guard case (let isText, var bytes)? = message else { continue }
            guard bytes.readableBytes + frame.payload.readableBytes <= limit else {
                throw SocketProblem(code: .tooBig, reason: "message above \(limit) bytes")
            }
            // Set aside, so that the bytes are not copied for each fragment.
            message = (isText, ByteBuffer())
            if bytes.readableBytes == 0 { bytes = frame.payload } else { bytes.writeImmutableBuffer(frame.payload) }
            guard frame.isFinal else {
                message = (isText, bytes)
                continue
            }
            message = nil
            guard isText else { return .message(.binary(Array(bytes.readableBytesView))) }
            guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
                throw SocketProblem(code: .notUTF8, reason: "text that is no UTF-8")
            }
            return .message(.text(text))
        }
        return nil
    }

    private static func close(_ payload: ByteBuffer) throws(SocketProblem) -> Event {
        var payload = payload
        if payload.readableBytes == 0 { return .close(.none, "") }
        guard let raw = payload.readInteger(as: UInt16.self) else { throw .wrong("half a close code") }
        guard CloseCode(rawValue: raw).isSendable else { throw .wrong("a close code that must not be sent") }
        guard let reason = String(validating: payload.readableBytesView, as: UTF8.self) else {
            throw SocketProblem(code: .notUTF8, reason: "a reason that is no UTF-8")
        }
        return .close(CloseCode(rawValue: raw), reason)
    }
}

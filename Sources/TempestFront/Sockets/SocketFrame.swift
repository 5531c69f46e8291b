// What is sent to a browser, as workers say it and as bytes. Before it: a worker's answer. After it: SocketHandler, which writes it.

import NIOCore
import NIOWebSocket
import TempestCodecs
import TempestProtocol

/// One element of an answer to a socket's job.
enum SocketFrame: Sendable, Equatable {
    case text(String)
    case binary([UInt8])
    case close(CloseCode, String)
    /// Nothing that is sent: which subprotocol the connection speaks, in the answer to `open`; nil: none.
    case subprotocol(String?)

    /// The elements of an answer's args, or of the one array in them, as handlers return it that can return one value; null is no frame.
    ///
    /// Throws ``SocketFailure`` when an element is no frame.
    static func frames(_ answer: Answer) throws(SocketFailure) -> [SocketFrame] {
        let args = answer.args
        let list = args.count == 1 && args[0].kind == .array ? args[0] : args
        var frames: [SocketFrame] = []
        for element in list.elements where !element.isNull { frames.append(try SocketFrame(element, answer.codec)) }
        return frames
    }

    init(_ node: Node, _ codec: any Codec) throws(SocketFailure) {
        if let text = node.text {
            self = .text(text)
        } else if node.kind == .binary, let bytes = node.bytes {
            // Whether it is text or binary would depend on what the bytes happen to be.
            guard codec.name != TNetstringCodec().name else {
                throw SocketFailure(
                    "a worker answered text that is not UTF-8; in tnetstring a binary frame is {\"binary\": bytes}")
            }
            self = .binary(bytes)
        } else if node.kind == .map, let content = node["binary"] {
            guard content.kind == .binary || content.kind == .text, let bytes = content.bytes else {
                throw SocketFailure("a worker answered {\"binary\": \(content.kind)}, where text or binary belongs")
            }
            self = .binary(bytes)
        } else if node.kind == .map, let name = node["protocol"] {
            guard name.isNull || name.kind == .text else {
                throw SocketFailure("a worker answered {\"protocol\": \(name.kind)}, where text or null belongs")
            }
            self = .subprotocol(name.text)
        } else if node.kind == .map, let number = node["close"]?.int {
            guard let raw = UInt16(exactly: number), CloseCode(rawValue: raw).isSendable else {
                throw SocketFailure("a worker closes with \(number): the codes are 1000 to 1003, 1007 to 1014 and 3000 to 4999")
            }
            self = .close(CloseCode(rawValue: raw), node["reason"]?.textOrUTF8 ?? "")
        } else {
            throw SocketFailure(
                "a worker answered \(node.kind), where text, binary, {\"binary\": bytes} or {\"close\": code} belong")
        }
    }

    /// The frame as the front sends it: whole, unmasked.
    func write(to buffer: inout ByteBuffer) {
        switch self {
        case .text(let text): Self.write(.text, text.utf8, to: &buffer)
        case .binary(let bytes): Self.write(.binary, bytes, to: &buffer)
        case .close(let code, let reason):
            var payload = withUnsafeBytes(of: code.rawValue.bigEndian, Array.init)
            payload += Self.cut(reason, 123).utf8
            Self.write(.connectionClose, payload, to: &buffer)
        case .subprotocol: break
        }
    }

    static func write(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>, to buffer: inout ByteBuffer) {
        let count = payload.count
        buffer.writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
        switch count {
        case ..<126: buffer.writeInteger(UInt8(count))
        case ..<65536: buffer.writeMultipleIntegers(UInt8(126), UInt16(count))
        default: buffer.writeMultipleIntegers(UInt8(127), UInt64(count))
        }
        buffer.writeBytes(payload)
    }

    /// The longest beginning of whole characters within so many bytes.
    static func cut(_ text: String, _ bytes: Int) -> Substring {
        var text = text[...]
        while text.utf8.count > bytes { text = text.dropLast() }
        return text
    }
}

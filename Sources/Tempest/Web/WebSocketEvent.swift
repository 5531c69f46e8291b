// What happens at a browser's WebSocket, as a handler gets it (protocol/http.md, "Sockets"). Before it: a front. After it: frames.

import TempestCodecs

/// The one argument of the jobs of a WebSocket, whose action is `websocket`.
///
/// ```swift
/// worker.handle("websocket") { (context: JobContext, event: WebSocketEvent) -> [WebSocketFrame] in
///     switch event {
///     case .open(let request): [.text("welcome to \(request.path)")]   // throw to refuse the connection
///     case .message(let frame): [frame]
///     case .close: []
///     }
/// }
/// ```
public enum WebSocketEvent: Decodable, Sendable {
    /// A page wants to open it. The request has no body.
    case open(WebRequest)
    case message(WebSocketFrame)
    /// It has ended; nobody hears what is answered.
    case close(code: Int, reason: String)

    private enum CodingKeys: String, CodingKey {
        case event, data
        case dataEncoding = "data_encoding"
        case code, reason
    }

    public init(from decoder: any Decoder) throws {
        let map = try decoder.container(keyedBy: CodingKeys.self)
        switch try map.decode(String.self, forKey: .event) {
        case "open": self = .open(try WebRequest(from: decoder))
        case "message":
            if try map.decodeIfPresent(String.self, forKey: .dataEncoding) == "base64" {
                var text = try map.decode(String.self, forKey: .data)
                guard let bytes = text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .data, in: map, debugDescription: "data is not canonical base64")
                }
                self = .message(.binary(bytes))
            } else if let text = try? map.decode(String.self, forKey: .data) {
                self = .message(.text(text))
            } else {
                self = .message(.binary(try map.decode(Bytes.self, forKey: .data).bytes))
            }
        case "close":
            self = .close(
                code: try map.decodeIfPresent(Int.self, forKey: .code) ?? 1005,
                reason: try map.decodeIfPresent(String.self, forKey: .reason) ?? "")
        case let other:
            throw DecodingError.dataCorruptedError(
                forKey: .event, in: map, debugDescription: "there is no event \(other.prefix(80).debugDescription)")
        }
    }
}

/// What goes over a WebSocket, either way.
public enum WebSocketFrame: Encodable, Sendable, Hashable {
    case text(String)
    case binary([UInt8])
    /// Ends the connection: 1000 to 1003, 1007 to 1014, 3000 to 4999, and up to 123 bytes.
    case close(Int, String)

    private enum CodingKeys: String, CodingKey { case close, reason }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .text(let text):
            var value = encoder.singleValueContainer()
            try value.encode(text)
        case .binary(let bytes):
            var value = encoder.singleValueContainer()
            try value.encode(Bytes(bytes))
        case .close(let code, let reason):
            var map = encoder.container(keyedBy: CodingKeys.self)
            try map.encode(code, forKey: .close)
            try map.encode(reason, forKey: .reason)
        }
    }
}

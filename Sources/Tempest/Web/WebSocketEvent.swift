// What happens at a browser's WebSocket, as a handler gets it (protocol/http.md, "Sockets"). Before it: a front. After it: frames.

import TempestCodecs

/// The one argument of the jobs of a WebSocket, whose action is `websocket`.
///
/// ```swift
/// worker.handle("websocket") { (context: JobContext, event: WebSocketEvent) -> [WebSocketFrame] in
///     switch event {
///     case .open(let request): [.text("welcome to \(request.path)")]   // a HandlerError with a code of your own refuses it
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
            self = .message(try Self.data(map))
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

extension WebSocketEvent {
    /// Text or binary as it was sent: a String would also be read from binary that happens to be UTF-8.
    private static func data(_ map: KeyedDecodingContainer<CodingKeys>) throws -> WebSocketFrame {
        func wrong(_ key: CodingKeys, _ what: String) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: map, debugDescription: what)
        }
        let encoding = try map.decodeIfPresent(String.self, forKey: .dataEncoding)
        switch (try map.decode(Value.self, forKey: .data), encoding) {
        case (.text(let text), nil): return .text(text)
        case (.binary(let bytes), nil): return .binary(bytes)
        case (.text(var text), "base64"?):
            guard let bytes = text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }) else {
                throw wrong(.data, "data is not canonical base64")
            }
            return .binary(bytes)
        case (_, nil): throw wrong(.data, "data is neither text nor binary")
        case (_, "base64"?): throw wrong(.data, "data is not text in base64")
        case (_, let other?): throw wrong(.dataEncoding, "data_encoding \(other.prefix(80).debugDescription) is not known")
        }
    }
}

/// What goes over a WebSocket, either way.
public enum WebSocketFrame: Encodable, Sendable, Hashable {
    case text(String)
    case binary([UInt8])
    /// Ends the connection: 1000 to 1003, 1007 to 1014, 3000 to 4999, and up to 123 bytes.
    case close(Int, String)
    /// Nothing that is sent: chooses the subprotocol of the connection, one of those that the page offers (``WebRequest/subprotocols``).
    /// For the answer to ``WebSocketEvent/open(_:)`` alone.
    case subprotocol(String)

    private enum CodingKeys: String, CodingKey {
        case binary, close, reason
        case subprotocol = "protocol"
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .text(let text):
            var value = encoder.singleValueContainer()
            try value.encode(text)
        case .binary(let bytes):
            // Not the bytes alone: tnetstring has one type for text and bytes.
            var map = encoder.container(keyedBy: CodingKeys.self)
            try map.encode(Bytes(bytes), forKey: .binary)
        case .close(let code, let reason):
            var map = encoder.container(keyedBy: CodingKeys.self)
            try map.encode(code, forKey: .close)
            try map.encode(reason, forKey: .reason)
        case .subprotocol(let name):
            var map = encoder.container(keyedBy: CodingKeys.self)
            try map.encode(name, forKey: .subprotocol)
        }
    }
}

extension WebRequest {
    /// The subprotocols that a page offers for its WebSocket, in the order of its preference.
    public var subprotocols: [String] {
        (headers["sec-websocket-protocol"] ?? "").split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
    }
}

extension JobContext {
    /// In the job of ``WebSocketEvent/open(_:)``: the subprotocol that the front has chosen by its route; nil: none.
    public var subprotocol: String? { args.count > 0 ? args[0]["protocol"]?.text : nil }
}

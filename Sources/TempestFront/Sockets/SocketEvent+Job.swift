// A socket's event as the one argument of its job. Before it: what happened. After it: a letter.

import TempestCodecs

extension SocketEvent {
    /// - Parameter inBase64: whether binary is written as text, with `data_encoding`: in codecs that do not tell the two apart.
    func write(inBase64: Bool) throws -> TokenBuffer {
        var writer = TokenBuffer()
        switch self {
        case .open(var request):
            request.extra["event"] = .text("open")
            return try request.write()
        case .message(.text(let text)):
            try writer.beginMap(count: 2)
            try writer.write("event", "message")
            try writer.write("data", text)
        case .message(.binary(let bytes)) where inBase64:
            try writer.beginMap(count: 3)
            try writer.write("event", "message")
            try writer.write("data", Self.base64(bytes))
            try writer.write("data_encoding", "base64")
        case .message(.binary(let bytes)):
            try writer.beginMap(count: 2)
            try writer.write("event", "message")
            try writer.key("data")
            try writer.write(Value.binary(bytes))
        case .close(let code, let reason):
            try writer.beginMap(count: 3)
            try writer.write("event", "close")
            try writer.write("code", Int(code.rawValue))
            try writer.write("reason", reason)
        }
        try writer.endMap()
        return writer
    }

    static func base64(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: Base64.count(of: bytes.count)) { place in
            guard let start = place.baseAddress else { return 0 }
            return bytes.withUnsafeBytes { Base64.encode($0, to: start) }
        }
    }
}

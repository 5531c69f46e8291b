// The handshake of a WebSocket (RFC 6455, 4.2): what a browser must send, and what it is answered. Before it: SocketDoor. After it:
// 101, or a refusal.

import Crypto
import NIOHTTP1

enum Handshake {
    /// Whether a request is for a WebSocket at all.
    static func isAsked(_ head: HTTPRequestHead) -> Bool { RequestCheck.tokens(head.headers, "upgrade").contains("websocket") }

    /// What is wrong with it; nil: nothing.
    static func problem(_ head: HTTPRequestHead) -> UpgradeDecision? {
        guard head.method == .GET, head.version == .http1_1 else { return .refused(.badRequest) }
        guard RequestCheck.tokens(head.headers, "connection").contains("upgrade") else { return .refused(.badRequest) }
        guard head.headers["sec-websocket-version"] == ["13"] else {
            return .refused(.upgradeRequired, ["Sec-WebSocket-Version": "13", "Upgrade": "websocket"])
        }
        let keys = head.headers["sec-websocket-key"]
        guard keys.count == 1, let key = keys.first, isKey(key) else { return .refused(.badRequest) }
        return nil
    }

    /// The headers of 101.
    static func answer(_ head: HTTPRequestHead) -> HTTPHeaders {
        let key = head.headers["sec-websocket-key"].first ?? ""
        let digest = Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return [
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": SocketEvent.base64(Array(digest)),
        ]
    }

    /// 16 bytes in base64.
    private static func isKey(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        guard bytes.count == 24, bytes.suffix(2).elementsEqual("==".utf8) else { return false }
        return bytes.prefix(22).allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }
}

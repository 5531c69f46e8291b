// What a request's header must be before anybody looks at it: strict, so that a proxy before the front and the front never read one
// request in two ways. Before it: NIO's parser, which refuses much already. After it: Hummingbird, or a socket's handshake.

import NIOHTTP1

enum RequestCheck {
    /// The status with which the request is refused; nil: it is fine.
    static func problem(_ head: HTTPRequestHead) -> HTTPResponseStatus? {
        guard head.version == .http1_1 || head.version == .http1_0 else { return .httpVersionNotSupported }
        // A tunnel is a proxy's affair, and what follows it is no HTTP.
        guard head.method != .CONNECT else { return .notImplemented }
        for (_, value) in head.headers where !value.utf8.allSatisfy(isFieldByte) { return .badRequest }
        return framing(head) ?? host(head)
    }

    /// Where the body ends must be said once and clearly.
    private static func framing(_ head: HTTPRequestHead) -> HTTPResponseStatus? {
        let lengths = head.headers["content-length"]
        let encodings = head.headers["transfer-encoding"]
        guard encodings.isEmpty || lengths.isEmpty, lengths.count <= 1, encodings.count <= 1 else { return .badRequest }
        if let length = lengths.first {
            guard (1...18).contains(length.utf8.count), length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return .badRequest
            }
        }
        if let encoding = encodings.first {
            guard head.version == .http1_1 else { return .badRequest }
            guard encoding.lowercased() == "chunked" else { return .notImplemented }
        }
        return nil
    }

    /// Whom the request is for must be said once and clearly, and the target must be a path.
    private static func host(_ head: HTTPRequestHead) -> HTTPResponseStatus? {
        let hosts = head.headers["host"]
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http1_0 else { return .badRequest }
        let host = hosts.first ?? ""
        guard host.utf8.allSatisfy(isHostByte) else { return .badRequest }
        let target = head.uri
        guard target.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else { return .badRequest }
        if target.hasPrefix("/") || target == "*" && head.method == .OPTIONS { return nil }
        // An absolute target is for proxies; one that names another host than Host would be read in two ways.
        let lowercase = target.lowercased()
        for scheme in ["http://", "https://"] where lowercase.hasPrefix(scheme) {
            let authority = lowercase.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
            return !authority.isEmpty && authority == host.lowercased() ? nil : .badRequest
        }
        return .badRequest
    }

    private static func isFieldByte(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "~"), UInt8(ascii: "%"):
            true
        default: false
        }
    }

    /// The tokens of a list header, in lower case.
    static func tokens(_ headers: HTTPHeaders, _ name: String) -> [String] {
        headers[canonicalForm: name].map { $0.lowercased() }
    }

    /// NIO's decoder reads nothing after such a request: it is upgraded or the last of its connection.
    static func endsParsing(_ head: HTTPRequestHead) -> Bool { head.headers.contains(name: "upgrade") }
}

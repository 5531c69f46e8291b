// What a request's header must be before anybody looks at it: strict, so that a proxy before the front and the front never read one
// request in two ways. Before it: NIO's parser, which refuses much already. After it: Hummingbird, or a socket's handshake.

import NIOCore
import NIOHPACK
import NIOHTTP1

enum RequestCheck {
    /// The status with which the request is refused; nil: it is fine.
    static func problem(_ head: HTTPRequestHead) -> HTTPResponseStatus? {
        guard head.version == .http1_1 || head.version == .http1_0 else { return .httpVersionNotSupported }
        // A tunnel is a proxy's affair, and what follows it is no HTTP.
        guard isKnown(head.method) else { return .notImplemented }
        for (_, value) in head.headers where !value.utf8.allSatisfy(isFieldByte) { return .badRequest }
        return framing(head)
            ?? host(head.headers["host"], isNeeded: head.version == .http1_1, target: head.uri, head.method)
    }

    /// The same for HTTP/2, whose own rules for headers NIO has checked.
    static func problem(_ headers: HPACKHeaders, _ limits: ConnectionLimits) -> HTTPResponseStatus? {
        var (size, fields, hasCookie) = (0, 0, false)
        var (method, path, authority) = ("", "", String?.none)
        var hosts: [String] = []
        var lengths: [String] = []
        for (name, value, _) in headers {
            size += name.utf8.count + value.utf8.count
            // Browsers send each cookie by itself, to compress them: for HTTP/1 it is one field.
            if !name.hasPrefix(":"), name != "cookie" || !hasCookie { fields += 1 }
            guard value.utf8.allSatisfy(isFieldByte) else { return .badRequest }
            // RFC 9113, 8.2.1.
            if let first = value.utf8.first, let last = value.utf8.last, FieldSpace.contains(first) || FieldSpace.contains(last) {
                return .badRequest
            }
            switch name {
            case ":method": method = value
            case ":path": path = value
            case ":authority": authority = value
            case "host": hosts.append(value)
            case "content-length": lengths.append(value)
            case "cookie": hasCookie = true
            default: break
            }
        }
        guard size <= limits.headerBytes, fields <= limits.headerFields else { return .requestHeaderFieldsTooLarge }
        let kind = HTTPMethod(rawValue: method)
        guard isKnown(kind) else { return .notImplemented }
        guard lengths.count <= 1, lengths.allSatisfy(isLength) else { return .badRequest }
        if let authority {
            guard !authority.isEmpty, hosts.allSatisfy({ $0.lowercased() == authority.lowercased() }) else { return .badRequest }
            hosts = [authority]
        }
        return host(hosts, isNeeded: true, target: path, kind)
    }

    /// Whether the front, or a worker, may know what the method means. A tunnel is a proxy's affair, and what follows it is no HTTP.
    private static func isKnown(_ method: HTTPMethod) -> Bool {
        if case .RAW = method { return false }
        return method != .CONNECT
    }

    /// Whether what begins so has a method, if only one that nobody knows.
    static func beginsWithMethod(_ buffer: ByteBuffer) -> Bool {
        let bytes = buffer.readableBytesView
        // Empty lines may come before it.
        let line = bytes.drop { $0 == 0x0d || $0 == 0x0a }
        let end = line.prefix(32).firstIndex { !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        return end.map { $0 > line.startIndex && line[$0] == UInt8(ascii: " ") } ?? false
    }

    private static func isLength(_ length: String) -> Bool {
        (1...18).contains(length.utf8.count) && length.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Where the body ends must be said once and clearly.
    private static func framing(_ head: HTTPRequestHead) -> HTTPResponseStatus? {
        let lengths = head.headers["content-length"]
        let encodings = head.headers["transfer-encoding"]
        guard encodings.isEmpty || lengths.isEmpty, lengths.count <= 1, encodings.count <= 1 else { return .badRequest }
        if let length = lengths.first, !isLength(length) { return .badRequest }
        if let encoding = encodings.first {
            guard head.version == .http1_1 else { return .badRequest }
            guard encoding.lowercased() == "chunked" else { return .notImplemented }
        }
        return nil
    }

    /// Whom the request is for must be said once and clearly, and the target must be a path.
    private static func host(
        _ hosts: [String], isNeeded: Bool, target: String, _ method: HTTPMethod
    ) -> HTTPResponseStatus? {
        guard hosts.count == 1 || hosts.isEmpty && !isNeeded else { return .badRequest }
        let host = hosts.first ?? ""
        guard host.utf8.allSatisfy(isHostByte) else { return .badRequest }
        guard target.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else { return .badRequest }
        if target.hasPrefix("/") || target == "*" && method == .OPTIONS { return nil }
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

    /// Whether the client would have the connection go on after the request (RFC 9112, 9.3).
    static func keepsConnection(_ head: HTTPRequestHead) -> Bool {
        var asks = false
        for (name, value) in head.headers where name.utf8.count == 10 && name.lowercased() == "connection" {
            let tokens = tokens(value)
            if tokens.contains("close") { return false }
            asks = asks || tokens.contains("keep-alive")
        }
        return asks || head.version != .http1_0
    }

    /// The tokens of a list header, in lower case.
    static func tokens(_ headers: HTTPHeaders, _ name: String) -> [String] {
        headers[canonicalForm: name].map { $0.lowercased() }
    }

    /// The tokens of one line of a list header, in lower case.
    static func tokens(_ value: String) -> [String] {
        value.split(separator: ",").map { token in
            let token = token.drop { $0 == " " || $0 == "\t" }
            return token.prefix { $0 != " " && $0 != "\t" }.lowercased()
        }
    }

    /// NIO's decoder reads nothing after such a request: it is upgraded or the last of its connection.
    static func endsParsing(_ head: HTTPRequestHead) -> Bool { head.headers.contains(name: "upgrade") }
}

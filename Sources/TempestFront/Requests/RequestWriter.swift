// A request as the one argument of its job (protocol/http.md, "Requests: the job"). Before it: a head and a body that has been read.
// After it: a letter.

import HTTPTypes
import NIOCore
import TempestCodecs

struct RequestWriter {
    /// The front's own or the connection's: workers do not see them.
    private static let hidden: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "forwarded",
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip", "tempest-session",
    ]

    var head: HTTPRequest
    var facts: ClientFacts
    var body: ByteBuffer?
    /// Whether the codec has no binary.
    var isJSON: Bool
    /// What comes beside the body: `form`, `uploads`.
    var extra: ValueMap = [:]
    /// The `cookie` header that workers see; nil: as it came.
    var cookies: String??

    func write() throws(CodecError) -> TokenBuffer {
        var writer = TokenBuffer()
        let headers = lines()
        let content = body.flatMap { $0.readableBytes > 0 ? $0 : nil }
        let isText = content?.withUnsafeReadableBytes { UTF8Check.isValid($0) } ?? false
        let bodyEntries = content == nil ? 0 : !isText && isJSON ? 2 : 1
        try writer.beginMap(count: 4 + (facts.address == nil ? 0 : 1) + bodyEntries + extra.count)
        try writer.write("method", head.method.rawValue)
        try writer.write("url", head.path ?? "/")
        try writer.key("headers")
        try writer.beginMap(count: headers.count)
        for (name, value) in headers { try writer.write(name, value) }
        try writer.endMap()
        if let content {
            try writer.key("body")
            if !isText && isJSON {
                let encoded = content.withUnsafeReadableBytes { bytes in
                    String(unsafeUninitializedCapacity: Base64.count(of: bytes.count)) { place in
                        place.baseAddress.map { Base64.encode(bytes, to: $0) } ?? 0
                    }
                }
                try writer.text(encoded)
                try writer.write("body_encoding", "base64")
            } else {
                var failure: CodecError?
                content.withUnsafeReadableBytes { bytes in
                    do throws(CodecError) {
                        if isText { try writer.text(utf8: bytes) } else { try writer.binary(bytes) }
                    } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
            }
        }
        if let address = facts.address { try writer.write("remote_address", address) }
        try writer.write("scheme", facts.scheme)
        for (key, value) in extra { try writer.write(key, value) }
        try writer.endMap()
        return writer
    }

    /// Each name once, in lower case.
    private func lines() -> [(String, String)] {
        var lines: [(String, String)] = []
        lines.reserveCapacity(head.headerFields.count + 1)
        for field in head.headerFields {
            let name = field.name.canonicalName
            if Self.hidden.contains(name) { continue }
            if name == "cookie", let cookies {
                if let cookies, !lines.contains(where: { $0.0 == name }) { lines.append((name, cookies)) }
                continue
            }
            // Header values are bytes; what is no UTF-8 has been read as Latin-1 or replaced by then.
            if let place = lines.firstIndex(where: { $0.0 == name }) {
                lines[place].1 += (name == "cookie" ? "; " : ", ") + field.value
            } else {
                lines.append((name, field.value))
            }
        }
        if let authority = head.authority, !lines.contains(where: { $0.0 == "host" }) { lines.append(("host", authority)) }
        return lines
    }
}

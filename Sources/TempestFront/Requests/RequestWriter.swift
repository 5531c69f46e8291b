// A request as the one argument of its job (protocol/http.md, "Requests: the job").

import HTTPTypes
import NIOCore
import Tempest
import TempestCodecs

struct RequestWriter {
    /// The front's own or the connection's: workers do not see them.
    private static let hidden: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
        "forwarded",
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip", "tempest-session",
    ]

    /// Headers with one value: of several lines the first holds, and no comma joins them.
    private static let single: Set<String> = [
        "age", "authorization", "content-length", "content-location", "content-type", "date", "expires", "from", "host",
        "if-modified-since", "if-range", "if-unmodified-since", "last-modified", "max-forwards", "origin", "proxy-authorization",
        "range", "referer", "user-agent",
    ]

    var head: HTTPRequest
    var facts: ClientFacts
    var body: ByteBuffer?
    /// Whether the codec has no binary.
    var isJSON: Bool
    /// Whether bytes of the body that are no UTF-8 are replaced rather than kept.
    var bodyIsText = false
    /// The parts of a form that was read; nil: none was.
    var form: [FormPart]?
    var uploads: [UploadReference] = []
    /// What else the job says.
    var extra: ValueMap = [:]
    /// The `cookie` header that workers see; nil: as it came.
    var cookies: String??

    func write() throws(CodecError) -> TokenBuffer {
        var writer = TokenBuffer()
        let (headers, latin1) = lines()
        let content = body.flatMap { $0.readableBytes > 0 ? $0 : nil }
        let isText = content?.withUnsafeReadableBytes { UTF8Check.isValid($0) } ?? false
        let isEncoded = content != nil && !isText && isJSON && !bodyIsText
        let bodyEntries = content == nil ? 0 : isEncoded ? 2 : 1
        try writer.beginMap(
            count: 4 + (facts.address == nil ? 0 : 1) + (latin1.isEmpty ? 0 : 1) + bodyEntries + (form == nil ? 0 : 1)
                + (uploads.isEmpty ? 0 : 1) + extra.count)
        try writer.write("method", head.method.rawValue)
        try writer.write("url", head.path ?? "/")
        try writer.key("headers")
        try writer.beginMap(count: headers.count)
        for (name, value) in headers { try writer.write(name, value) }
        try writer.endMap()
        if !latin1.isEmpty {
            try writer.key("headers_latin1")
            try writer.write(latin1)
        }
        if let content {
            try writer.key("body")
            if isEncoded {
                try writer.text(content.withUnsafeReadableBytes { Base64.text($0) })
                try writer.write("body_encoding", "base64")
            } else if !isText && bodyIsText {
                try writer.text(String(decoding: content.readableBytesView, as: UTF8.self))
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
        if let form { try write(form, to: &writer) }
        if !uploads.isEmpty {
            try writer.key("uploads")
            try writer.write(Value.array(uploads.map(\.value)))
        }
        for (key, value) in extra { try writer.write(key, value) }
        try writer.endMap()
        return writer
    }

    private func write(_ form: [FormPart], to writer: inout TokenBuffer) throws(CodecError) {
        try writer.key("form")
        try writer.beginArray(count: form.count)
        // Uploads are in the order of their parts.
        var place = 0
        for part in form {
            try part.write(to: &writer, upload: part.upload == nil ? nil : place, isJSON: isJSON)
            if part.upload != nil { place += 1 }
        }
        try writer.endArray()
    }

    /// Each name once, in lower case; and the names whose values are not UTF-8, which are read as ISO-8859-1.
    private func lines() -> (lines: [(String, String)], latin1: [String]) {
        var lines: [(String, String)] = []
        lines.reserveCapacity(head.headerFields.count + 1)
        // Headers that are for the connection alone because it says so (RFC 9110, 7.6.1).
        var named: [String] = []
        for field in head.headerFields {
            let name = field.name.canonicalName
            if Self.hidden.contains(name) {
                if name == "connection" { named += RequestCheck.tokens(field.value) }
                continue
            }
            if name == "cookie", let cookies {
                if let cookies, !lines.contains(where: { $0.0 == name }) { lines.append((name, cookies)) }
                continue
            }
            guard let place = lines.firstIndex(where: { $0.0 == name }) else {
                lines.append((name, field.value))
                continue
            }
            if Self.single.contains(name) { continue }
            lines[place].1 += (name == "cookie" ? "; " : ", ") + field.value
        }
        // The id is the front's own word.
        if !named.isEmpty { lines.removeAll { named.contains($0.0) && $0.0 != RequestID.header } }
        if let authority = head.authority, !lines.contains(where: { $0.0 == "host" }) { lines.append(("host", authority)) }
        var latin1: [String] = []
        for place in lines.indices where HeaderBytes.isEscaped(lines[place].1) {
            let (text, isLatin1) = HeaderBytes.text(lines[place].1)
            lines[place].1 = text
            if isLatin1 { latin1.append(lines[place].0) }
        }
        return (lines, latin1)
    }
}

// What a worker's first answer says of the response (protocol/http.md, "Requests: the answer"): checked before a byte of it goes out.
// Before it: an answer. After it: the response's head and its first bytes.

import HTTPTypes
import NIOCore
import TempestCodecs
import TempestProtocol

/// A worker's answer that is no answer to a browser: the browser is told 502, the log what was wrong.
struct UnfitAnswer: Error, CustomStringConvertible {
    var description: String
}

struct AnswerHead {
    /// The front's, as they belong to one connection (RFC 9110 7.6.1): a worker's are dropped.
    private static let ours: Set<String> = [
        "transfer-encoding", "connection", "keep-alive", "proxy-connection", "upgrade", "te", "trailer", "http2-settings",
        Compression.mark,
    ]
    private static let lengthName = "content-length"
    private static let sessionName = "tempest-session"

    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: ByteBuffer
    /// How long the worker says that the whole body is; nil: it does not say.
    var length: Int?
    /// What the worker wants done with the session: `rotate`, `end`.
    var session: String?

    init(_ answer: Answer) throws(UnfitAnswer) {
        var parts = answer.args
        if parts.count == 1, parts[0].kind == .array { parts = parts[0] }
        guard (1...3).contains(parts.count), let code = parts[0].int, (200...599).contains(code) else {
            throw UnfitAnswer(description: "an answer to a browser is [status, headers, body] with a status of 200 to 599")
        }
        status = HTTPResponse.Status(code: Int(code))
        headers = HTTPFields()
        body = ByteBuffer()
        if parts.count > 1, !parts[1].isNull {
            guard parts[1].kind == .map else { throw UnfitAnswer(description: "headers is no map") }
            headers.reserveCapacity(parts[1].count + 2)
            for (name, value) in parts[1].members { try add(name, value) }
        }
        if parts.count > 2 { body = try Self.piece(parts[2]) }
    }

    /// The bytes of a piece of a body.
    static func piece(_ node: Node) throws(UnfitAnswer) -> ByteBuffer {
        switch node.kind {
        case .null: return ByteBuffer()
        case .text, .binary:
            guard let bytes = node.bytes else { break }
            return ByteBuffer(bytes: bytes)
        default: break
        }
        throw UnfitAnswer(description: "a body is text or binary, not \(node.kind)")
    }

    private mutating func add(_ name: String, _ value: Node) throws(UnfitAnswer) {
        guard let field = HTTPField.Name(name) else {
            throw UnfitAnswer(description: "\(name.prefix(80).debugDescription) is no header name")
        }
        if Self.ours.contains(field.canonicalName) { return }
        if field.canonicalName == Self.lengthName { return try promise(value) }
        if value.kind == .array {
            for line in value.elements { try add(field, line) }
        } else {
            try add(field, value)
        }
    }

    /// The length is a promise, so it is said once and clearly.
    private mutating func promise(_ value: Node) throws(UnfitAnswer) {
        let value = value.kind == .array && value.count == 1 ? value[0] : value
        let text = value.int.map { "\($0)" } ?? value.textOrUTF8 ?? ""
        guard length == nil, (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw UnfitAnswer(description: "the header content-length is not a length, or there are several")
        }
        length = Int(text)
    }

    private mutating func add(_ name: HTTPField.Name, _ value: Node) throws(UnfitAnswer) {
        let text: String
        if let integer = value.int {
            text = "\(integer)"
        } else if let bytes = value.kind == .text || value.kind == .binary ? value.bytes : nil {
            text = HeaderBytes.escape(bytes)
        } else {
            throw UnfitAnswer(description: "the header \(name) is \(value.kind), not text or binary")
        }
        guard HTTPField.isValidValue(text) else {
            throw UnfitAnswer(description: "the header \(name) has a value that is not allowed")
        }
        if name.canonicalName == Self.sessionName {
            session = text
        } else {
            headers.append(HTTPField(name: name, value: text))
        }
    }
}

// The response for a file that was found: whether it is sent, which parts of it, and with which headers.

import HTTPTypes
import Hummingbird
import NIOCore
import Tempest

struct FileReply {
    /// What is read at once, in bytes.
    static let piece = 128 << 10
    /// A content up to this size is read before the response begins, with the same visit to a thread for files.
    private static let small = 64 << 10
    /// More parts than any reader of PDF files asks for.
    private static let mostParts = 64

    var head: HTTPRequest
    /// The file itself, or the compressed one beside it.
    var file: OpenFile
    let threads: DiskThreads
    /// Content type of what is not compressed.
    let type: String
    var coding: ContentCoding?
    /// Whether others may get another one of the files.
    var varies = false
    var cacheControl: String?

    init(head: HTTPRequest, file: OpenFile, threads: DiskThreads, type: String) {
        (self.head, self.file, self.threads, self.type) = (head, file, threads, type)
    }

    /// Blocks. Throws ``Refusal`` or ``FileProblem``.
    func response() throws -> Response {
        let now = Int64(WallClock.milliseconds()) * 1_000_000
        let today = HTTPDate(seconds: now / 1_000_000_000)
        let request = head.headerFields
        let known = [HTTPField.Name.ifNoneMatch, .ifMatch, .ifRange].compactMap { request[$0] }.joined(separator: ",")
        let validators = Validators(
            tags: try file.tags(suffix: coding.map { "-\($0.rawValue)" } ?? "", known: known, now: now),
            // RFC 9110, section 8.8.2.1: never later than today.
            modified: min(HTTPDate(seconds: file.modified / 1_000_000_000), today))
        var headers = HTTPFields()
        headers[.eTag] = validators.tags.first?.description
        headers[.lastModified] = validators.modified.text
        headers[.cacheControl] = cacheControl
        if varies { headers[.vary] = "Accept-Encoding" }
        switch Preconditions.evaluate(request, validators, now: today) {
        case .failed: throw Refusal(.preconditionFailed, "The file is not the one that was asked for.")
        case .notModified:
            var response = Response(status: .notModified, headers: headers)
            // It would be the length of the file, or nothing.
            response.headers[.contentLength] = nil
            return response
        case .proceed: break
        }
        headers[.contentType] = type
        headers[.contentEncoding] = coding?.rawValue
        headers[.acceptRanges] = "bytes"
        headers[.xContentTypeOptions] = "nosniff"
        let range = head.method == .get && Preconditions.allowsRange(request, validators, now: today) ? request[.range] : nil
        switch ByteRanges(range, size: file.size, mostParts: Self.mostParts) {
        case .whole: return try respond(.ok, headers, [.range(0..<file.size)])
        case .unsatisfiable:
            throw Refusal(
                .rangeNotSatisfiable, "The file has \(file.size) bytes.",
                headers: [.contentRange: "bytes */\(file.size)", .acceptRanges: "bytes"])
        case .parts(let parts) where parts.count == 1:
            headers[.contentRange] = contentRange(parts[0])
            return try respond(.partialContent, headers, [.range(parts[0])])
        case .parts(let parts):
            let boundary =
                "tempest-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
                + String(UInt64.random(in: 0...UInt64.max), radix: 36)
            headers[.contentType] = "multipart/byteranges; boundary=\(boundary)"
            var pieces: [FileBody.Piece] = []
            for part in parts {
                let head = "\r\n--\(boundary)\r\nContent-Type: \(type)\r\nContent-Range: \(contentRange(part))\r\n\r\n"
                pieces += [.bytes(ByteBuffer(string: head)), .range(part)]
            }
            pieces.append(.bytes(ByteBuffer(string: "\r\n--\(boundary)--\r\n")))
            return try respond(.partialContent, headers, pieces)
        }
    }

    private func contentRange(_ range: Range<Int>) -> String { "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)" }

    private func respond(_ status: HTTPResponse.Status, _ headers: HTTPFields, _ pieces: [FileBody.Piece]) throws -> Response {
        let body = FileBody(file: file, threads: threads, pieces: pieces)
        var headers = headers
        headers[.contentLength] = "\(body.length)"
        guard head.method != .head else { return Response(status: status, headers: headers) }
        if body.length <= Self.small {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: try body.read()))
        }
        return Response(status: status, headers: headers, body: body.response)
    }
}

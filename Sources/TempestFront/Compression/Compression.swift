// Which responses are sent compressed: decided from request and response, before a byte goes out.

import HTTPTypes
import Hummingbird

/// Marks responses for the handlers of ``CompressionHandlers``, which do the work.
enum Compression {
    /// Of a response that is to be compressed. It never reaches a client.
    static let mark = "x-tempest-gzip"
    private static let markName = HTTPField.Name(mark)
    /// A shorter body would hardly become shorter, and costs more than it saves.
    private static let leastBytes = 256

    /// Marks the response if the client takes gzip and the content may be compressed.
    ///
    /// A response to HEAD has the headers of the one to GET but for its length, which nobody knows.
    static func prepare(_ response: inout Response, for request: HTTPRequest) {
        // What stands for a part, or for no change, of a response that might be compressed depends on the same header (RFC 9110, 15.4.5).
        if response.status == .notModified || response.status == .partialContent { response.headers.addVary("Accept-Encoding") }
        // A browser that keeps the compressed content, and says so by its weak tag, must not take the tag of the other bytes for its own.
        if response.status == .notModified, let tag = response.headers[.eTag], !tag.hasPrefix("W/"),
            request.headerFields[.ifNoneMatch]?.contains("W/\(tag)") ?? false
        {
            weaken(&response.headers)
        }
        guard let markName, isEligible(response, isHead: request.method == .head) else { return }
        response.headers.addVary("Accept-Encoding")
        guard takesGzip(request) else { return }
        if request.method == .head {
            response.headers[.contentLength] = nil
            response.headers[.contentEncoding] = "gzip"
        } else {
            response.headers[markName] = "1"
        }
        weaken(&response.headers)
    }

    private static func takesGzip(_ request: HTTPRequest) -> Bool {
        ContentCoding.choose(request.headerFields[.acceptEncoding], of: [.gzip]) != nil
    }

    /// The same content in other bytes: a strong tag is of bytes.
    private static func weaken(_ headers: inout HTTPFields) {
        if let tag = headers[.eTag], !tag.hasPrefix("W/") { headers[.eTag] = "W/\(tag)" }
    }

    /// Digests of the bytes as they are: they would be wrong of others, and the browser might check them.
    private static let digests = ["content-digest", "repr-digest", "digest", "content-md5"].compactMap { HTTPField.Name($0) }

    private static func isEligible(_ response: Response, isHead: Bool) -> Bool {
        let headers = response.headers
        switch response.status.code {
        case 200...203, 207, 400...599: break
        default: return false
        }
        guard headers[.contentEncoding] == nil, headers[.contentRange] == nil else { return false }
        if let cache = headers[.cacheControl], cache.lowercased().contains("no-transform") { return false }
        // A stream whose length its application has promised is held to it by the connection, which would not see it any more.
        if headers[.contentLength] != nil, response.body.contentLength == nil { return false }
        // Of a response to HEAD only the header tells how long the body would be.
        let length = isHead ? headers[.contentLength].flatMap { Int($0) } : response.body.contentLength
        if let length, length < leastBytes { return false }
        if digests.contains(where: { headers.contains($0) }) { return false }
        return isCompressible(headers[.contentType])
    }

    /// Text in its many forms. Images, films and archives are compressed already; the events of a stream must not wait for each other.
    static func isCompressible(_ type: String?) -> Bool {
        guard let type else { return false }
        let name = type.prefix { $0 != ";" && $0 != " " }.lowercased()
        if name == "text/event-stream" { return false }
        if name.hasPrefix("text/") || name.hasSuffix("+json") || name.hasSuffix("+xml") || name.hasSuffix("+text") { return true }
        return others.contains(name)
    }

    private static let others: Set<String> = [
        "application/javascript", "application/json", "application/manifest+json", "application/rtf", "application/wasm",
        "application/x-javascript", "application/x-ndjson", "application/xml", "application/yaml", "font/otf", "font/ttf",
        "image/bmp", "image/x-icon",
    ]
}

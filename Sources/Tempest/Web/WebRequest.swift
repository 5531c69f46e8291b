// A browser's request as a handler gets it: the one argument of the jobs that a front pushes (protocol/http.md, "Requests: the job").
// Before it: a front. After it: a WebAnswer.

import TempestCodecs

/// A request that a browser waits for, held by a front.
///
/// ```swift
/// worker.handle("url") { (_: JobContext, request: WebRequest) in
///     WebAnswer(text: "you asked for \(request.url)")
/// }
/// ```
public struct WebRequest: Codable, Sendable {
    /// `GET`, `POST`, …
    public var method: String
    /// Path and query as the browser sent them, undecoded.
    public var url: String
    /// Names in lower case; several lines of one name are joined by `, `, cookies by `; `.
    public var headers: [String: String]
    /// Empty when there was none.
    public var body: [UInt8]
    /// The browser's address, or what a trusted proxy says of it.
    public var remoteAddress: String?
    /// `http` or `https`.
    public var scheme: String?
    /// The fields of a multipart form that were no files.
    public var form: [String: String]
    /// Large bodies, and files of multipart forms, which the front has put aside: `try await request.uploads[0].open()`.
    public var uploads: [UploadReference] = []

    public init(
        method: String = "GET", url: String, headers: [String: String] = [:], body: [UInt8] = [], remoteAddress: String? = nil,
        scheme: String? = nil, form: [String: String] = [:]
    ) {
        (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
        (self.remoteAddress, self.scheme, self.form) = (remoteAddress, scheme, form)
    }

    /// What stands before the question mark, undecoded.
    public var path: Substring { url.prefix { $0 != "?" } }

    private enum CodingKeys: String, CodingKey {
        case method, url, headers, body
        case bodyEncoding = "body_encoding"
        case remoteAddress = "remote_address"
        case scheme, form, uploads
    }

    public init(from decoder: any Decoder) throws {
        let map = try decoder.container(keyedBy: CodingKeys.self)
        method = try map.decode(String.self, forKey: .method)
        url = try map.decode(String.self, forKey: .url)
        headers = try map.decodeIfPresent([String: String].self, forKey: .headers) ?? [:]
        remoteAddress = try map.decodeIfPresent(String.self, forKey: .remoteAddress)
        scheme = try map.decodeIfPresent(String.self, forKey: .scheme)
        form = try map.decodeIfPresent([String: String].self, forKey: .form) ?? [:]
        uploads = try map.decodeIfPresent([UploadReference].self, forKey: .uploads) ?? []
        switch try map.decodeIfPresent(String.self, forKey: .bodyEncoding) {
        case nil: body = try map.decodeIfPresent(Bytes.self, forKey: .body)?.bytes ?? []
        case "base64":
            var text = try map.decode(String.self, forKey: .body)
            guard let bytes = text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }) else {
                throw DecodingError.dataCorruptedError(forKey: .body, in: map, debugDescription: "body is not canonical base64")
            }
            body = bytes
        case .some(let other):
            throw DecodingError.dataCorruptedError(
                forKey: .bodyEncoding, in: map, debugDescription: "body_encoding \(other.debugDescription) is not known")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var map = encoder.container(keyedBy: CodingKeys.self)
        try map.encode(method, forKey: .method)
        try map.encode(url, forKey: .url)
        try map.encode(headers, forKey: .headers)
        if !body.isEmpty { try map.encode(Bytes(body), forKey: .body) }
        try map.encodeIfPresent(remoteAddress, forKey: .remoteAddress)
        try map.encodeIfPresent(scheme, forKey: .scheme)
        if !form.isEmpty { try map.encode(form, forKey: .form) }
        if !uploads.isEmpty { try map.encode(uploads, forKey: .uploads) }
    }
}

// A browser's request as a handler gets it: the one argument of the jobs that a front pushes (protocol/http.md, "Requests: the job").

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
    /// Names in lower case; several lines of one name are joined by `, `, cookies by `; `. A value that is not UTF-8 has been read as
    /// ISO-8859-1: each byte is a character.
    public var headers: [String: String]
    /// The names of the headers whose values are not UTF-8.
    public var latin1Headers: Set<String> = []
    /// Empty when there was none.
    public var body: [UInt8]
    /// The browser's address, or what a trusted proxy says of it.
    public var remoteAddress: String?
    /// `http` or `https`.
    public var scheme: String?
    /// The parts of a multipart form that the front has read; nil: it has read none, and a form is in the body.
    package var parts: [FormPart]?
    /// Large bodies, and files of multipart forms, which the front has put aside: `try await request.uploads[0].open()`.
    public var uploads: [UploadReference] = []

    /// - Parameter form: the form that the request brings, as a front with a folder for uploads hands it on; nil: `body` is all.
    public init(
        method: String = "GET", url: String, headers: [String: String] = [:], body: [UInt8] = [], remoteAddress: String? = nil,
        scheme: String? = nil, form: WebForm? = nil
    ) {
        (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
        (self.remoteAddress, self.scheme, self.parts) = (remoteAddress, scheme, form.map(Array.init))
        uploads = form?.compactMap(\.upload) ?? []
    }

    /// What stands before the question mark, undecoded.
    public var path: Substring { url.prefix { $0 != "?" } }

    private enum CodingKeys: String, CodingKey {
        case method, url, headers, body
        case latin1Headers = "headers_latin1"
        case bodyEncoding = "body_encoding"
        case remoteAddress = "remote_address"
        case scheme, form, uploads
    }

    public init(from decoder: any Decoder) throws {
        let map = try decoder.container(keyedBy: CodingKeys.self)
        method = try map.decode(String.self, forKey: .method)
        url = try map.decode(String.self, forKey: .url)
        headers = try map.decodeIfPresent([String: String].self, forKey: .headers) ?? [:]
        latin1Headers = try map.decodeIfPresent(Set<String>.self, forKey: .latin1Headers) ?? []
        remoteAddress = try map.decodeIfPresent(String.self, forKey: .remoteAddress)
        scheme = try map.decodeIfPresent(String.self, forKey: .scheme)
        let uploads = try map.decodeIfPresent([UploadReference].self, forKey: .uploads) ?? []
        self.uploads = uploads
        parts = try map.decodeIfPresent([JobFormPart].self, forKey: .form).map { try JobFormPart.parts($0, uploads: uploads) }
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
                forKey: .bodyEncoding, in: map,
                debugDescription: "body_encoding \(other.prefix(80).debugDescription) is not known")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var map = encoder.container(keyedBy: CodingKeys.self)
        try map.encode(method, forKey: .method)
        try map.encode(url, forKey: .url)
        try map.encode(headers, forKey: .headers)
        if !latin1Headers.isEmpty { try map.encode(latin1Headers.sorted(), forKey: .latin1Headers) }
        if !body.isEmpty { try map.encode(Bytes(body), forKey: .body) }
        try map.encodeIfPresent(remoteAddress, forKey: .remoteAddress)
        try map.encodeIfPresent(scheme, forKey: .scheme)
        if let parts { try map.encode(Value.array(parts.map { $0.value(uploads: uploads) }), forKey: .form) }
        if !uploads.isEmpty { try map.encode(uploads, forKey: .uploads) }
    }
}

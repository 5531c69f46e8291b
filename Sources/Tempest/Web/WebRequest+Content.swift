// What handlers ask of a request: query, cookies, form and JSON. All of it is read when it is asked for.

import TempestCodecs

extension WebRequest {
    /// The names and values of the query, decoded. Read at each access: keep it if you ask for several.
    public var query: WebFields { WebFields(query: url.dropFirst(path.count + 1).prefix { $0 != "#" }) }

    /// The browser's cookies, without the front's own.
    public var cookies: WebFields { WebFields(cookies: headers["cookie"] ?? "") }

    /// A form in either of the two ways in which browsers send it, `application/x-www-form-urlencoded` and `multipart/form-data`; no
    /// parts when the body is something else. Read at each access: keep it if you ask for several fields.
    ///
    /// A body that says it is a form and cannot be read as one has no parts, and ``WebForm/problem`` says why.
    public var form: WebForm {
        do {
            return try readForm()
        } catch {
            return WebForm(problem: error)
        }
    }

    /// The form, as ``form``.
    ///
    /// - Throws: ``FormError`` for a body that says it is a form and cannot be read as one, or has more than 1000 parts.
    public func readForm() throws(FormError) -> WebForm {
        if let parts { return WebForm(parts) }
        if isPutAside {
            throw FormError(.tooLarge, "the form is not in the job: the front has put the body aside, read it from uploads[0]")
        }
        return try WebForm.read(body, contentType: headers["content-type"])
    }

    /// The body, read as JSON.
    ///
    /// - Throws: `CodecError` for a body that is not JSON; `DecodingError` when it is not of the type; ``UploadError`` `.tooLarge` for
    ///   a body that the front has put aside: read it from ``uploads``.
    public func json<T: Decodable>(as type: T.Type = T.self) throws -> T {
        if isPutAside {
            throw UploadError(
                .tooLarge, "the body is not in the job: the front has put it aside, read it from request.uploads[0]")
        }
        return try JSONCodec().decode(type, from: body)
    }

    private var isPutAside: Bool { parts == nil && body.isEmpty && uploads.count == 1 }

    /// The value of a header in the bytes that came; nil when there is none.
    ///
    /// - Parameter name: in lower case.
    public func headerBytes(_ name: String) -> [UInt8]? {
        guard let value = headers[name] else { return nil }
        guard latin1Headers.contains(name) else { return Array(value.utf8) }
        return value.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
}

extension FormPart {
    /// As a map of a job's `form`.
    func value(uploads: [UploadReference]) -> Value {
        var map = ValueMap()
        func content(_ bytes: [UInt8]) -> Value { String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .binary(bytes) }
        if let nameBytes { map["name"] = content(nameBytes) }
        if let filenameBytes { map["filename"] = content(filenameBytes) }
        if let type { map["type"] = rawType.map { .binary($0) } ?? .text(type) }
        if let head { map["head"] = content(head) }
        if let upload {
            map["upload"] = uploads.firstIndex(of: upload).map { .int(Int64($0)) } ?? .null
        } else if !isFile || !bytes.isEmpty {
            map["value"] = content(bytes)
        }
        return .map(map)
    }
}

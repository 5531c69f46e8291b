// WebRequest and WebAnswer as tokens, without Codable: they are in every job of a front.

public import TempestCodecs

extension WebRequest: TokenCodable {
    public init(reading node: Node) throws {
        var map = try node.map()
        method = try map.read("method")
        url = try map.read("url")
        headers = [:]
        if let node = map.nodeIfPresent("headers"), !node.isNull {
            guard node.kind == .map else { throw Self.misfit("headers: expected a map") }
            headers.reserveCapacity(node.count)
            for (name, value) in node.members {
                guard let text = value.textOrUTF8 else { throw Self.misfit("headers.\(name): expected text") }
                headers[name] = text
            }
        }
        if let node = map.nodeIfPresent("headers_latin1"), !node.isNull {
            latin1Headers = try node.decode(Set<String>.self)
        }
        let content = map.nodeIfPresent("body")
        let encoding = try Self.text(&map, "body_encoding")
        remoteAddress = try Self.text(&map, "remote_address")
        scheme = try Self.text(&map, "scheme")
        // In the order in which fronts write them; a reader looks no further than it must.
        let form = map.nodeIfPresent("form")
        if let node = map.nodeIfPresent("uploads"), !node.isNull {
            uploads = try node.decode([UploadReference].self)
        }
        if let form, !form.isNull {
            parts = try JobFormPart.parts(try form.decode([JobFormPart].self), uploads: uploads)
        }
        body = []
        guard let content, !content.isNull else { return }
        guard let bytes = content.bytes else { throw Self.misfit("body: expected text or binary, found \(content.kind)") }
        switch encoding {
        case nil: body = bytes
        case "base64":
            guard let decoded = bytes.withUnsafeBytes({ Base64.decode($0) }) else {
                throw Self.misfit("body is not canonical base64")
            }
            body = decoded
        case .some(let other): throw Self.misfit("body_encoding \(other.prefix(80).debugDescription) is not known")
        }
    }

    private static func text(_ map: inout MapReader, _ key: StaticString) throws -> String? {
        guard let node = map.nodeIfPresent(key), !node.isNull else { return nil }
        guard let text = node.textOrUTF8 else { throw misfit("\(key): expected text") }
        return text
    }

    private static func misfit(_ what: String) -> DecodingError {
        DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: what))
    }

    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        let count =
            3 + (body.isEmpty ? 0 : 1) + (remoteAddress == nil ? 0 : 1) + (scheme == nil ? 0 : 1) + (parts == nil ? 0 : 1)
            + (uploads.isEmpty ? 0 : 1) + (latin1Headers.isEmpty ? 0 : 1)
        try writer.beginMap(count: count)
        try writer.write("method", method)
        try writer.write("url", url)
        try writer.key("headers")
        try writer.beginMap(count: headers.count)
        for (name, value) in headers { try writer.write(name, value) }
        try writer.endMap()
        if !latin1Headers.isEmpty {
            try writer.key("headers_latin1")
            try writer.write(latin1Headers.sorted())
        }
        if !body.isEmpty {
            try writer.key("body")
            try writer.content(body)
        }
        if let remoteAddress { try writer.write("remote_address", remoteAddress) }
        if let scheme { try writer.write("scheme", scheme) }
        if let parts {
            try writer.key("form")
            try writer.beginArray(count: parts.count)
            for part in parts { try writer.write(part.value(uploads: uploads)) }
            try writer.endArray()
        }
        if !uploads.isEmpty {
            try writer.key("uploads")
            try writer.write(Value.array(uploads.map(\.value)))
        }
        try writer.endMap()
    }
}

extension WebAnswer: TokenCodable {
    public init(reading node: Node) throws { self = try node.decode(WebAnswer.self) }

    public func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: 3)
        try writer.int(Int64(status))
        // Most answers have a line or two: looking through them costs less than a table.
        let isFirst = headers.indices.map { place in !headers[..<place].contains { $0.name == headers[place].name } }
        try writer.beginMap(count: isFirst.count { $0 })
        for (place, header) in headers.enumerated() where isFirst[place] {
            let others = headers[place...].filter { $0.name == header.name }
            guard others.count > 1 else {
                try writer.write(header.name, header.value)
                continue
            }
            try writer.key(header.name)
            try writer.write(others.map(\.value))
        }
        try writer.endMap()
        try writer.content(body)
        try writer.endArray()
    }
}

extension TokenWriter {
    /// A body: text where it is UTF-8, as everybody reads it, and binary where it is not.
    fileprivate mutating func content(_ bytes: [UInt8]) throws(CodecError) {
        var failure: CodecError?
        bytes.withUnsafeBytes { bytes in
            do throws(CodecError) {
                if UTF8Check.isValid(bytes) { try text(utf8: bytes) } else { try binary(bytes) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

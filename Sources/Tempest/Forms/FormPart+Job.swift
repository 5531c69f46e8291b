// Parts of a form as a job has them (protocol/http.md, "Forms").

package import TempestCodecs

extension FormPart {
    /// Writes the part as a map.
    ///
    /// - Parameters:
    ///   - upload: the place of its upload in the job's `uploads`; nil when it has none.
    ///   - isJSON: write bytes that are not UTF-8 as text in base64, with a key that says so.
    package func write<W: TokenWriter>(to writer: inout W, upload place: Int?, isJSON: Bool) throws(CodecError) {
        let type = rawType ?? type.map { Array($0.utf8) }
        let contents: [(key: String, bytes: [UInt8]?)] = [
            ("name", nameBytes), ("filename", filenameBytes), ("type", type), ("head", head),
            ("value", place == nil && (!isFile || !bytes.isEmpty) ? bytes : nil),
        ]
        var count = place == nil ? 0 : 1
        for case (_, let bytes?) in contents { count += isJSON && !bytes.withUnsafeBytes(UTF8Check.isValid) ? 2 : 1 }
        try writer.beginMap(count: count)
        for case (let key, let bytes?) in contents { try writer.write(key, content: bytes, isJSON: isJSON) }
        if let place { try writer.write("upload", place) }
        try writer.endMap()
    }
}

extension TokenWriter {
    /// Text where it is UTF-8, else binary or, in JSON, base64 and `<key>_encoding`.
    package mutating func write(_ key: String, content bytes: [UInt8], isJSON: Bool) throws(CodecError) {
        try self.key(key)
        var failure: CodecError?
        bytes.withUnsafeBytes { bytes in
            do throws(CodecError) {
                if UTF8Check.isValid(bytes) {
                    try text(utf8: bytes)
                } else if isJSON {
                    try text(Base64.text(bytes))
                    try write(key + "_encoding", "base64")
                } else {
                    try binary(bytes)
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

extension Base64 {
    /// The base64 of bytes.
    package static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: Base64.count(of: bytes.count)) { place in
            place.baseAddress.map { Base64.encode(bytes, to: $0) } ?? 0
        }
    }
}

/// A part as it stands in a job, before its upload is known.
struct JobFormPart: Decodable {
    var part: FormPart
    var upload: Int?

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let map = try decoder.container(keyedBy: Key.self)
        func content(_ key: String) throws -> [UInt8]? {
            switch try map.decodeIfPresent(String.self, forKey: Key(key + "_encoding")) {
            case nil: return try map.decodeIfPresent(Bytes.self, forKey: Key(key))?.bytes
            case "base64":
                var text = try map.decode(String.self, forKey: Key(key))
                if let bytes = text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }) { return bytes }
                throw DecodingError.dataCorruptedError(
                    forKey: Key(key), in: map, debugDescription: "\(key) is not canonical base64")
            case .some(let other):
                throw DecodingError.dataCorruptedError(
                    forKey: Key(key + "_encoding"), in: map,
                    debugDescription: "\(key)_encoding \(other.prefix(80).debugDescription) is not known")
            }
        }
        let head = MultipartPart(
            name: try content("name"), filename: try content("filename"), type: try content("type"), head: try content("head"))
        part = FormPart(head, bytes: try content("value") ?? [])
        upload = try map.decodeIfPresent(Int.self, forKey: Key("upload"))
    }

    /// The parts, each with its upload.
    static func parts(_ parts: [JobFormPart], uploads: [UploadReference]) throws -> [FormPart] {
        try parts.map { each in
            var part = each.part
            if let place = each.upload {
                guard uploads.indices.contains(place) else {
                    throw DecodingError.dataCorrupted(
                        .init(codingPath: [], debugDescription: "form: there is no upload \(place)"))
                }
                part.upload = uploads[place]
            }
            return part
        }
    }
}

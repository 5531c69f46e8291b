// One field or one file of a form.

/// A part of a form: a field with its value, or a file.
///
/// All of it comes from the browser. Names and values are bytes; as text they are read as UTF-8, and what is not UTF-8 is replaced by
/// U+FFFD.
public struct FormPart: Sendable, Hashable {
    /// Of the field or the file input; nil when the part has no name.
    public var nameBytes: [UInt8]?
    /// What the browser calls the file, never a path; empty when no file was chosen; nil when the part is a field.
    public var filenameBytes: [UInt8]?
    /// The content type that the browser gave; nil when it gave none.
    public var type: String?
    /// The value of a field, or a file that came in the job itself. Empty for a file that the front has put aside.
    public var bytes: [UInt8]
    /// A file that the front has put aside: `try await part.upload?.open()`.
    public var upload: UploadReference?
    /// The type as it came, where ``type`` is not all of it.
    package var rawType: [UInt8]?
    /// The part's header lines as they came, where they are not the plain ones.
    package var head: [UInt8]?

    /// A field.
    public init(name: String, value: String) {
        self.init(MultipartPart(name: Array(name.utf8)), bytes: Array(value.utf8))
    }

    /// A file. `filename`: empty for an input in which no file was chosen.
    public init(
        name: String, filename: String, type: String? = nil, bytes: [UInt8] = [], upload: UploadReference? = nil
    ) {
        let part = MultipartPart(
            name: Array(name.utf8), filename: Array(filename.utf8), type: type.map { Array($0.utf8) })
        self.init(part, bytes: bytes, upload: upload)
    }

    package init(_ part: MultipartPart, bytes: [UInt8] = [], upload: UploadReference? = nil) {
        (nameBytes, filenameBytes, head) = (part.name, part.filename, part.head)
        (self.bytes, self.upload) = (bytes, upload)
        (type, rawType) = Self.read(type: part.type)
    }

    /// Of the field or the file input; empty when the part has no name.
    public var name: String { String(decoding: nameBytes ?? [], as: UTF8.self) }
    /// The value of a field, or the text of a file that came in the job itself.
    public var value: String { String(decoding: bytes, as: UTF8.self) }
    /// What the browser calls the file, never a path; empty when no file was chosen; nil when the part is a field.
    public var filename: String? { filenameBytes.map { String(decoding: $0, as: UTF8.self) } }
    /// Whether the part is a file input, with or without a chosen file.
    public var isFile: Bool { filenameBytes != nil }

    /// All bytes of a field or a file, wherever they are.
    ///
    /// - Parameter limit: in bytes; default 16 MiB.
    /// - Throws: ``UploadError``, as ``UploadReference/bytes(upTo:in:)``.
    public func content(upTo limit: Int = 16 << 20) async throws -> [UInt8] {
        guard let upload else { return bytes }
        return try await upload.bytes(upTo: limit)
    }

    static func read(type: [UInt8]?) -> (String?, [UInt8]?) {
        guard let type else { return (nil, nil) }
        if let text = String(validating: type, as: UTF8.self) { return (text, nil) }
        return (String(decoding: type, as: UTF8.self), type)
    }
}

// Content that a front has put aside, as the job that it came with names it (protocol/http.md, "Uploads"). Decoded from the job's
// `uploads`; opened from the folder that front and workers share.

package import Crypto
public import NIOCore
package import TempestCodecs
import TempestProtocol

/// A file that a browser sent: what it is called, how long it is, and where its bytes are.
///
/// ```swift
/// worker.handle("url") { (_: JobContext, request: WebRequest) in
///     for upload in request.uploads {
///         for try await chunk in try await upload.open() { parser.feed(chunk) }
///         try await upload.keep()      // or it is removed when the request has been answered
///     }
/// }
/// ```
///
/// All of it comes from outside: `filename` and `type` are what the browser says, and no path is made of them.
public struct UploadReference: Codable, Sendable, Hashable {
    /// The name of the content: 43 characters of base64url. Who knows it can have it, so it does not belong into logs.
    public let token: String
    /// The form's field; nil if the content was a whole body.
    public let field: String?
    /// What the browser calls the file: for showing only.
    public let filename: String?
    /// The content type that the browser gave.
    public let type: String?
    /// In bytes.
    public let size: Int
    /// 64 hexadecimal digits, in lower case.
    public let sha256: String
    /// Where it can be had by GET; nil if only the shared folder has it.
    public let url: String?

    private enum CodingKeys: String, CodingKey { case token, field, filename, type, size, sha256, url }

    /// Makes a reference; nil if the token, the size or the hash is not of its shape.
    public init?(
        token: String, field: String? = nil, filename: String? = nil, type: String? = nil, size: Int, sha256: String,
        url: String? = nil
    ) {
        guard RandomToken.isToken(token), size >= 0, Self.isHash(sha256) else { return nil }
        (self.token, self.field, self.filename, self.type) = (token, field, filename, type)
        (self.size, self.sha256, self.url) = (size, sha256, url)
    }

    /// Throws `DecodingError` for a token, a size or a hash that is not of its shape: whoever wrote the job made it up.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func optional(_ key: CodingKeys) throws -> String? { try container.decodeIfPresent(String.self, forKey: key) }
        let reference = UploadReference(
            token: try container.decode(String.self, forKey: .token), field: try optional(.field),
            filename: try optional(.filename), type: try optional(.type), size: try container.decode(Int.self, forKey: .size),
            sha256: try container.decode(String.self, forKey: .sha256), url: try optional(.url))
        guard let reference else {
            throw DecodingError.dataCorruptedError(
                forKey: .token, in: container, debugDescription: "token, size or sha256 is not of the shape of an upload's")
        }
        self = reference
    }

    /// Writes null for a field, a filename and a type that there is not, and leaves out a URL that there is not.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(token, forKey: .token)
        try container.encode(field, forKey: .field)
        try container.encode(filename, forKey: .filename)
        try container.encode(type, forKey: .type)
        try container.encode(size, forKey: .size)
        try container.encode(sha256, forKey: .sha256)
        try container.encodeIfPresent(url, forKey: .url)
    }

    /// As a map of a job's `uploads`.
    package var value: Value {
        var map: ValueMap = [
            "token": .text(token), "field": field.map { .text($0) } ?? .null, "filename": filename.map { .text($0) } ?? .null,
            "type": type.map { .text($0) } ?? .null, "size": .int(Int64(size)), "sha256": .text(sha256),
        ]
        if let url { map["url"] = .text(url) }
        return .map(map)
    }

    /// Opens the content in the folder that the front keeps it in; without one in `TEMPEST_UPLOADS`.
    ///
    /// - Throws: ``UploadError``: `.folder` when none is set, `.missing` when there is no such content, `.changed` when it has
    ///   another size, `.file` when it cannot be read.
    public func open(in folder: String? = nil) async throws -> UploadContent {
        let folder = try Self.shared(folder)
        guard let token = RandomToken(token), let file = try await StoredFile.open(token, in: folder) else {
            throw Self.missing(folder)
        }
        guard file.size == size else {
            throw UploadError(.changed, "the upload in \(folder) has \(file.size) bytes, the job says \(size)")
        }
        return UploadContent(file: file, sha256: sha256)
    }

    /// All bytes at once, checked. For what may be large there is ``open(in:)``.
    ///
    /// - Parameter limit: in bytes; default 16 MiB.
    /// - Throws: ``UploadError``, as `open`; `.tooLarge` when there are more bytes than the limit; `.changed` when the hash is
    ///   not the job's.
    public func bytes(upTo limit: Int = 16 << 20, in folder: String? = nil) async throws -> [UInt8] {
        guard size <= limit else {
            throw UploadError(.tooLarge, "the upload has \(size) bytes, \(limit) are taken at once: read it with open()")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for try await chunk in try await open(in: folder) { bytes.append(contentsOf: chunk.readableBytesView) }
        return bytes
    }

    /// Keeps the content when its request ends. Without this it is removed once the browser has its answer, or was told that there is none,
    /// or went away. What is kept stays until ``delete(in:)`` is called or the front sweeps it (after a day).
    ///
    /// May be called again, also by a worker that runs the job after another has died.
    ///
    /// - Throws: ``UploadError``: `.missing` when the request has ended already; `.folder` and `.file` as ``open(in:)``.
    public func keep(in folder: String? = nil) async throws {
        let folder = try Self.shared(folder)
        let isKept = try await DiskThreads().run { try RandomToken(token).map { try StoredName.keep($0, in: folder) } }
        guard isKept == true else { throw Self.missing(folder) }
    }

    /// Removes the content, kept or not; nothing happens if it is not there any more. Whoever has it open reads on.
    ///
    /// - Throws: ``UploadError``: `.folder` and `.file` as ``open(in:)``.
    public func delete(in folder: String? = nil) async throws {
        let folder = try Self.shared(folder)
        _ = try await DiskThreads().run { try RandomToken(token).map { try StoredName.delete($0, in: folder) } }
    }

    private static func shared(_ folder: String?) throws(UploadError) -> String {
        guard let folder = folder ?? ProcessEnvironment.variable("TEMPEST_UPLOADS"), !folder.isEmpty else {
            throw UploadError(
                .folder, "where uploads are is not known: set TEMPEST_UPLOADS to the folder that the front keeps them in")
        }
        return folder
    }

    private static func missing(_ folder: String) -> UploadError {
        UploadError(
            .missing,
            "the upload is not in \(folder): its request has ended and nobody kept it, it was deleted or swept, or the front keeps its "
                + "uploads in another folder")
    }

    private static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}

/// The bytes of an upload, in chunks of at most 128 KiB. After the last one the SHA-256 is compared with the job's: whoever has
/// come to the end of the sequence without an error has read what the browser sent.
public struct UploadContent: AsyncSequence, Sendable {
    let file: StoredFile
    let sha256: String

    /// In bytes.
    public var size: Int { file.size }

    public func makeAsyncIterator() -> Iterator { Iterator(file: file, sha256: sha256) }

    public struct Iterator: AsyncIteratorProtocol {
        private static let chunk = 128 << 10

        private let file: StoredFile
        private let sha256: String
        private var offset = 0
        private var hash = SHA256()
        private var isOver = false

        init(file: StoredFile, sha256: String) { (self.file, self.sha256) = (file, sha256) }

        /// The next chunk; nil at the end. Throws ``UploadError`` when the content is not the job's.
        public mutating func next() async throws -> ByteBuffer? {
            guard !isOver else { return nil }
            try Task.checkCancellation()
            let buffer = try await file.read(at: offset, upTo: Swift.min(Self.chunk, file.size - offset))
            guard buffer.readableBytes > 0 else {
                isOver = true
                guard offset == file.size, hash.finalize().hexadecimal == sha256 else {
                    throw UploadError(
                        .changed, "the upload is not what the browser sent: its size or its SHA-256 is not the job's")
                }
                return nil
            }
            offset += buffer.readableBytes
            buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            return buffer
        }
    }
}

extension SHA256Digest {
    /// 64 digits in lower case.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: self.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

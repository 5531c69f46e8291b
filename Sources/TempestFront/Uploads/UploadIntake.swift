// One content on its way into the store: counted, hashed, written, and given a name at its end. Used by Uploads for a body, and
// by FormIntake for each file of a form.

import Crypto
import NIOCore
import Tempest

/// A content that comes in. Ended by `commit` or `discard`.
struct UploadIntake: Sendable {
    private let draft: any UploadDraft
    private let rules: UploadRules
    private var hash = SHA256()
    private var size = 0

    init(_ store: any UploadStore, rules: UploadRules) async throws {
        self.draft = try await store.begin()
        self.rules = rules
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        size += buffer.readableBytes
        guard size <= rules.uploadLimit else {
            throw UploadRefusal(.tooLarge, "an upload has more than \(rules.uploadLimit) bytes")
        }
        buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        try await draft.write(buffer)
    }

    func commit(field: String? = nil, filename: String? = nil, type: String?) async throws -> UploadReference {
        let token = try await draft.commit()
        let reference = UploadReference(
            token: token, field: field, filename: filename, type: type, size: size, sha256: hash.finalize().hexadecimal,
            url: rules.base.map { $0 + token })
        guard let reference else {
            throw UploadError(.file, "the store for uploads named one otherwise than by 43 characters of base64url")
        }
        return reference
    }

    func discard() async { await draft.discard() }
}

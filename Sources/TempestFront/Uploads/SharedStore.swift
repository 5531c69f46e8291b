// A store as one request sees it: what it writes counts for its address.

import NIOCore
import Tempest

struct SharedStore: UploadStore {
    let store: any UploadStore
    let share: AddressShare

    func begin() async throws -> any UploadDraft { SharedDraft(draft: try await store.begin(), share: share) }
    func open(_ token: String) async throws -> StoredUpload? { try await store.open(token) }
    func keep(_ token: String) async throws -> Bool { try await store.keep(token) }
    func release(_ token: String) async throws { try await store.release(token) }
    func remove(_ token: String) async throws -> Bool { try await store.remove(token) }
    func sweep(olderThan age: Duration) async throws -> Int { try await store.sweep(olderThan: age) }
}

private struct SharedDraft: UploadDraft {
    let draft: any UploadDraft
    let share: AddressShare

    func write(_ buffer: ByteBuffer) async throws {
        try share.admit(buffer.readableBytes)
        try await draft.write(buffer)
    }

    func commit() async throws -> String { try await draft.commit() }
    func discard() async { await draft.discard() }
}

// One file of the folder while its content comes in: under a name that nobody asks for, until it is whole. Made by FolderStore.

import NIOCore
import Synchronization
import Tempest
import TempestProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

final class FolderDraft: UploadDraft {
    private let token: RandomToken
    /// nil when it has ended.
    private let descriptor: Mutex<CInt?>
    private let store: FolderStore

    init(token: RandomToken, descriptor: CInt, store: FolderStore) {
        (self.token, self.store) = (token, store)
        self.descriptor = Mutex(descriptor)
    }

    /// Whoever forgot to end it loses what was written, not a descriptor.
    deinit {
        guard let descriptor = end() else { return }
        _ = close(descriptor)
        _ = unlink(path)
        store.room.hasChanged()
    }

    private var path: String { "\(store.folder)/\(FolderStore.draftName(token))" }

    func write(_ buffer: ByteBuffer) async throws {
        try await store.room.admit(buffer.readableBytes)
        try await store.threads.run {
            guard let descriptor = self.descriptor.withLock({ $0 }) else {
                throw UploadError(.file, "an upload was written to after its end")
            }
            try buffer.withUnsafeReadableBytes { bytes in
                guard DiskCall.wrote(bytes, to: descriptor) else {
                    throw StoredFile.failure("cannot write an upload to \(self.store.folder)")
                }
            }
        }
    }

    func commit() async throws -> String {
        guard let descriptor = end() else { throw UploadError(.file, "an upload was ended twice") }
        let (path, folder, name) = (path, store.folder, token.text)
        do {
            try await store.threads.run {
                // Some file systems tell only now that they had no room.
                let isWritten = fsync(descriptor) == 0
                let failure = StoredFile.failure("cannot write an upload to \(folder)")
                let isClosed = close(descriptor) == 0
                guard isWritten else { throw failure }
                guard isClosed, rename(path, "\(folder)/\(name)") == 0 else {
                    throw StoredFile.failure("cannot write an upload to \(folder)")
                }
                // The name, too, is to outlive the machine's fall: the job that has it does.
                let directory = DiskCall.opened(folder, O_RDONLY | O_DIRECTORY)
                guard directory >= 0 else { return }
                _ = fsync(directory)
                _ = close(directory)
            }
        } catch {
            _ = try? await store.threads.run { unlink(path) }
            store.room.hasChanged()
            throw error
        }
        return name
    }

    func discard() async {
        guard let descriptor = end() else { return }
        let path = path
        _ = try? await store.threads.run {
            _ = close(descriptor)
            _ = unlink(path)
        }
        store.room.hasChanged()
    }

    private func end() -> CInt? {
        descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
    }
}

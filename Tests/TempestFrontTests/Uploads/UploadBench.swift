import Crypto
import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

/// What the tests of uploads share: a folder of their own, and bodies.
struct UploadBench {
    let folder: String
    let store: FolderStore
    let logger: Logger

    static func run(quota: Int = 10 << 30, _ body: (UploadBench) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let folder = "\(directory)/uploads"
            var logger = Logger(label: "test.uploads")
            logger.logLevel = .critical
            try await body(
                UploadBench(folder: folder, store: try await FolderStore(folder: folder, quota: quota), logger: logger))
        }
    }

    func uploads(_ rules: UploadRules = UploadRules()) -> Uploads { Uploads(store: store, rules: rules, logger: logger) }

    /// The names in the folder.
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

    func content(_ reference: UploadReference) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(reference.token)")))
    }

    /// A body of pieces, the last of which may be an error.
    static func body(_ pieces: [ByteBuffer], error: (any Error)? = nil) -> RequestBody {
        RequestBody(
            asyncSequence: AsyncThrowingStream<ByteBuffer, any Error> { continuation in
                for piece in pieces { continuation.yield(piece) }
                continuation.finish(throwing: error)
            })
    }

    static func body(_ text: String, pieces length: Int = 1000) -> RequestBody {
        let bytes = Array(text.utf8)
        return body(
            stride(from: 0, to: bytes.count, by: length).map { ByteBuffer(bytes: bytes[$0..<min($0 + length, bytes.count)]) })
    }

    static func sha256(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }
}

/// A store in memory, which counts and may fail: the test's twin of the folder.
final class MemoryStore: UploadStore {
    struct State {
        var contents: [String: [UInt8]] = [:]
        var begun = 0
        var ended = 0
        /// The longest piece that was written at once.
        var longest = 0
        var failing: UploadError?
        var kept: Set<String> = []
    }
    let state = Mutex(State())

    func begin() async throws -> any UploadDraft {
        state.withLock { $0.begun += 1 }
        return Draft(store: self)
    }

    func open(_ token: String) async throws -> StoredUpload? {
        guard let bytes = state.withLock({ $0.contents[token] }) else { return nil }
        return StoredUpload(size: bytes.count) { offset, count in
            ByteBuffer(bytes: bytes.dropFirst(offset).prefix(count))
        }
    }

    func keep(_ token: String) async throws -> Bool {
        state.withLock { state in
            guard state.contents[token] != nil else { return false }
            state.kept.insert(token)
            return true
        }
    }

    func release(_ token: String) async throws {
        state.withLock { state in if !state.kept.contains(token) { state.contents[token] = nil } }
    }

    func remove(_ token: String) async throws -> Bool { state.withLock { $0.contents.removeValue(forKey: token) != nil } }

    func sweep(olderThan age: Duration) async throws -> Int { 0 }

    private final class Draft: UploadDraft {
        let store: MemoryStore
        let bytes = Mutex<[UInt8]>([])

        init(store: MemoryStore) { self.store = store }

        func write(_ buffer: ByteBuffer) async throws {
            try store.state.withLock { state in
                if let error = state.failing { throw error }
                state.longest = max(state.longest, buffer.readableBytes)
            }
            bytes.withLock { $0 += buffer.readableBytesView }
        }

        func commit() async throws -> String {
            let token = String((0..<43).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a" })
            let bytes = bytes.withLock { $0 }
            store.state.withLock { ($0.contents[token], $0.ended) = (bytes, $0.ended + 1) }
            return token
        }

        func discard() async { store.state.withLock { $0.ended += 1 } }
    }
}

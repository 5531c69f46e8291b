// Work that blocks its thread, away from Swift's pool. Before it: a bare loop. After it: its result.

import Foundation

enum Blocking {
    /// Runs it on a thread of its own.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }
}

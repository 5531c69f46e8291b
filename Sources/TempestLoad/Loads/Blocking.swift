// Work that blocks its thread, away from Swift's pool. Before it: a bare loop. After it: its result.

import Foundation

enum Blocking {
    /// Runs it on a thread of its own. Its connections are cut when the task is cancelled, and it fails by that.
    static func run<R: Sendable>(_ body: @escaping @Sendable (BareLines) throws -> R) async throws -> R {
        let lines = BareLines()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Result { try body(lines) }) }
            }
        } onCancel: {
            lines.cut()
        }
    }
}

// Where files are opened, read and written: threads that may block, away from event loops and from the tasks of handlers.
// Used by StoredFile, and by the front's folder.

package import NIOPosix

/// Blocking work on threads of its own.
package struct DiskThreads: Sendable {
    private let pool: NIOThreadPool

    package init(_ pool: NIOThreadPool = .singleton) { self.pool = pool }

    /// Runs the body there, also when the task was cancelled: what closes a file or removes it must not be left out.
    ///
    /// - Throws: what the body throws; `UploadError.file` when the threads were stopped.
    package func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            pool.submit { state in
                guard case .active = state else {
                    continuation.resume(throwing: UploadError(.file, "the threads for files have ended: the program stops"))
                    return
                }
                continuation.resume(with: Result { try body() })
            }
        }
    }
}

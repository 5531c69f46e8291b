// Where entries of the access log go. Lines are written by a thread of their own: a reader of standard output that stands still must
// not hold up an event loop.

import Dispatch
import Logging
import Synchronization
import Tempest

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes entries in one format; safe to share.
final class AccessLog: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var isWriting = false
        var dropped = 0
    }

    /// Bytes that wait for a standard output that is not read; what is more is dropped, and counted.
    private static let mostWaiting = 4 << 20

    let format: AccessLogFormat
    private let logger: Logger
    private let descriptor: CInt
    private let queue = DispatchQueue(label: "tempest.front.access-log")
    private let state = Mutex(State())

    /// - Parameter descriptor: where lines go.
    init(_ format: AccessLogFormat, logger: Logger, descriptor: CInt = STDOUT_FILENO) {
        (self.format, self.logger, self.descriptor) = (format, logger, descriptor)
    }

    func write(_ entry: AccessEntry) {
        guard let line = format.line(entry) else {
            logger.info("request", metadata: AccessLogFormat.metadata(entry))
            return
        }
        let begins = state.withLock { state in
            guard state.waiting.count + line.utf8.count < Self.mostWaiting else {
                state.dropped += 1
                return false
            }
            state.waiting += line.utf8
            state.waiting.append(UInt8(ascii: "\n"))
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { queue.async { self.drain() } }
    }

    /// Returns when what was written before has gone out.
    func flush() { queue.sync { self.drain() } }

    private func drain() {
        while true {
            let (bytes, dropped) = state.withLock { state in
                defer { (state.waiting, state.dropped) = ([], 0) }
                state.isWriting = !state.waiting.isEmpty
                return (state.waiting, state.dropped)
            }
            if dropped > 0 {
                logger.warning(
                    "lines of the access log were dropped: standard output is not read", metadata: ["count": "\(dropped)"])
            }
            if bytes.isEmpty { return }
            // Where nobody reads it any more there is nobody to tell.
            _ = bytes.withUnsafeBytes { DiskCall.wrote($0, to: descriptor) }
        }
    }
}

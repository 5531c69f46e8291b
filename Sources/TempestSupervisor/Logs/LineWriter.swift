// Writes lines to a descriptor whose reader may be slow, or stuck. Between the Journal and standard output.

import NIOPosix
import Synchronization

#if canImport(System)
import struct System.Errno
import struct System.FileDescriptor
#else
import struct SystemPackage.Errno
import struct SystemPackage.FileDescriptor
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A bounded buffer of whole lines, and the thread that writes them.
final class LineWriter: Sendable {
    private struct State {
        var chunks: [[UInt8]] = []
        var bytes = 0
        var isWriting = false
        /// When bytes were last taken, or the first ones came.
        var progress = ContinuousClock.now
        var dropped = 0
        /// Since when nothing was taken, of what is dropped.
        var stalled = ContinuousClock.now
    }

    /// Bytes that wait to be written; the supervisor's own lines may be so many more.
    static let most = 1 << 20

    private let target: FileDescriptor
    /// How long nothing may be taken until lines are dropped.
    private let patience: Duration
    private let note: @Sendable (Int, Duration) -> [UInt8]
    /// One thread: a write may block for as long as nobody reads.
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())

    /// - Parameter note: the line that says how many lines were dropped, and for how long nobody had read.
    init(
        to target: FileDescriptor, patience: Duration = .seconds(5), note: @escaping @Sendable (Int, Duration) -> [UInt8]
    ) {
        self.target = target
        self.patience = patience
        self.note = note
        self.thread.start()
    }

    /// Whether everything is written.
    var isIdle: Bool { self.state.withLock { !$0.isWriting } }

    /// Takes lines; false when there is no room now, and they are to be offered again in a moment. Lines that come when nobody has read
    /// for the patience are dropped, and counted.
    ///
    /// - Parameter isOwn: few lines, which never wait.
    @discardableResult
    func add(_ bytes: [UInt8], lines: Int, isOwn: Bool = false) -> Bool {
        let now = ContinuousClock.now
        let (isTaken, begins) = self.state.withLock { state -> (Bool, Bool) in
            // What is larger than the room waits until it is the first. Once lines are dropped, so are smaller ones, until somebody reads.
            let isRead = state.dropped == 0 || state.progress > state.stalled
            let isRoom = state.bytes == 0 || state.bytes + bytes.count <= (isOwn ? 2 * Self.most : Self.most)
            guard isRoom && (isRead || isOwn) else {
                guard isOwn || now - state.progress >= self.patience else { return (false, false) }
                if state.dropped == 0 { state.stalled = state.progress }
                state.dropped += lines
                return (true, false)
            }
            if !state.isWriting { state.progress = now }
            if isRead { self.noteDropped(&state, now) }
            state.chunks.append(bytes)
            state.bytes += bytes.count
            defer { state.isWriting = true }
            return (true, !state.isWriting)
        }
        if begins { self.thread.submit { _ in self.writeAll() } }
        return isTaken
    }

    private func noteDropped(_ state: inout State, _ now: ContinuousClock.Instant) {
        guard state.dropped > 0 else { return }
        let bytes = self.note(state.dropped, now - state.stalled)
        state.dropped = 0
        state.chunks.append(bytes)
        state.bytes += bytes.count
    }

    // MARK: On the thread

    private func writeAll() {
        while true {
            let chunks = self.state.withLock { state -> [[UInt8]] in
                if state.chunks.isEmpty { self.noteDropped(&state, .now) }
                defer { state.chunks = [] }
                if state.chunks.isEmpty { state.isWriting = false }
                return state.chunks
            }
            guard !chunks.isEmpty else { return }
            for chunk in chunks { self.write(chunk) }
        }
    }

    /// Where nobody reads any more (EPIPE) the lines are gone: workers go on without their logs.
    private func write(_ chunk: [UInt8]) {
        var rest = chunk[...]
        while !rest.isEmpty {
            do {
                // A page at a time: a pipe takes that as soon as its reader has taken one, and it is seen that somebody reads.
                let count = try rest.prefix(4096).withUnsafeBytes { try self.target.write($0) }
                self.took(count)
                rest = rest.dropFirst(count)
            } catch let error as Errno where error == .wouldBlock {
                // Whoever shares the descriptor has made it so.
                var room = pollfd(fd: self.target.rawValue, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, 1000)
            } catch let error as Errno where error == .interrupted {
                continue
            } catch {
                return self.took(rest.count)
            }
        }
    }

    private func took(_ count: Int) {
        let now = ContinuousClock.now
        self.state.withLock { state in
            state.bytes -= count
            state.progress = now
        }
    }
}

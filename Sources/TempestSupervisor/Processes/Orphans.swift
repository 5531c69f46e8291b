// Reaps children that are not ours: what workers have left behind, when this process is PID 1 of a container or a subreaper.
// Told by WorkerProcess of every process that it starts, so that it never takes the exit status of a worker.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The children of this process that nobody waits for.
final class Orphans: Sendable {
    private struct State {
        /// Processes that are being started and whose ids nobody knows yet.
        var starting = 0
        /// Those that somebody else waits for.
        var workers: Set<pid_t> = []
    }

    private let state = Mutex(State())

    /// A process is about to be started. Nothing is reaped until `started` or `notStarted`.
    func willStart() { self.state.withLock { $0.starting += 1 } }

    /// It runs; whoever has started it waits for it, and says `ended` after that.
    func started(_ id: pid_t) {
        self.state.withLock { state in
            state.starting -= 1
            state.workers.insert(id)
        }
    }

    func notStarted() { self.state.withLock { $0.starting -= 1 } }

    func ended(_ id: pid_t) { self.state.withLock { _ = $0.workers.remove(id) } }

    /// Reaps each second, until it is cancelled. Without orphans that is one system call.
    func run() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil { self.reap() }
    }

    /// Reaps those that have ended; returns how many there were.
    @discardableResult
    func reap() -> Int {
        self.state.withLock { state in
            var count = 0
            while state.starting == 0, let id = Self.firstEnded(), !state.workers.contains(id) {
                guard waitpid(id, nil, WNOHANG) == id else { break }
                count += 1
            }
            return count
        }
    }

    /// A child that has ended and was not waited for, which it stays; nil when there is none. A worker is seen here for a moment only:
    /// what comes after it is found by the next look.
    private static func firstEnded() -> pid_t? {
        var info = siginfo_t()
        guard waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 else { return nil }
        #if canImport(Glibc)
        let id = info._sifields._sigchld.si_pid
        #elseif canImport(Musl)
        let id = info.__si_fields.__si_common.__first.__piduid.si_pid
        #else
        let id = info.si_pid
        #endif
        return id > 0 ? id : nil
    }
}

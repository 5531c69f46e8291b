// How far the worker of a stream may run ahead of its caller (protocol/answers.md, "Credits"). Before it: a handler that sends. After it: the
// next part of the answer.

import NIOCore
import Synchronization
import TempestProtocol

/// Holds a sender back until its caller has used enough of what was sent.
final class CreditGauge: Sendable {
    /// Returns how many answers the caller has used; nil when that cannot be learnt now.
    typealias Ask = @Sendable () async -> Int?

    private static let shortest = Duration.milliseconds(2)
    private static let longest = Duration.milliseconds(100)
    /// Without any use for so long the caller is taken for dead.
    private static let patience = Duration.seconds(30)

    private let window: Int
    private let ask: Ask
    private let used = Mutex(0)

    /// nil when the job names no credits: its caller takes what comes.
    init?(_ job: Job, ask: @escaping Ask) {
        guard let window = JobRules.integer(job.meta["credits"], JobRules.credits) else { return nil }
        (self.window, self.ask) = (Int(clamping: window), ask)
    }

    /// Waits until answer number `seq` may be sent.
    ///
    /// Throws `CancellationError`, and ``HandlerError`` `stalled` when the caller has used nothing for 30 s.
    func wait(for seq: Int) async throws {
        var known = used.withLock { $0 }
        guard seq - known >= window else { return }
        var (delay, moved) = (Self.shortest, ContinuousClock.now)
        while true {
            let found = max(known, await ask() ?? known)
            used.withLock { $0 = max($0, found) }
            if seq - found < window { return }
            if found > known { (known, delay, moved) = (found, Self.shortest, .now) }
            guard .now - moved < Self.patience else {
                throw HandlerError(code: "stalled", message: "the caller has used no answer for \(Self.patience)")
            }
            try await Task.sleep(for: delay)
            delay = min(delay * 2, Self.longest)
        }
    }
}

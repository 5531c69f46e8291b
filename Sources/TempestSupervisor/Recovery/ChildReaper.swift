// Gives back what a worker held, the moment that it is gone: no lease is waited for.
// Called by Slots after every end of a worker, also a good one; what cannot be reaped is taken over by other workers after the lease.

import Synchronization
import Tempest
import TempestRedis

final class ChildReaper: Sendable {
    private let journal: Journal
    private let reapAll: @Sendable (String) async throws -> Int
    private let stopping = Mutex<ContinuousClock.Instant?>(nil)

    /// - Parameter reap: takes the jobs of all processes whose names begin with a prefix; returns how many there were.
    init(journal: Journal, reap: @escaping @Sendable (String) async throws -> Int) {
        self.journal = journal
        self.reapAll = reap
    }

    /// From now on Redis is waited for no longer than five seconds.
    func stop() { self.stopping.withLock { $0 = $0 ?? .now } }

    /// Reaps all processes of the worker, as often as it takes.
    func reap(_ name: String, worker: String) async {
        let start = ContinuousClock.now
        var delay = Duration.milliseconds(50)
        while true {
            do {
                let jobs = try await self.reapAll("\(name).")
                if jobs > 0 {
                    let time = Int(((ContinuousClock.now - start).inSeconds * 1000).rounded(.up))
                    self.journal.say(
                        "\(worker) left \(jobs == 1 ? "1 job" : "\(jobs) jobs"): back in the queues within \(time) ms")
                }
                return
            } catch {
                let end = self.stopping.withLock { $0.map { max($0, start) + .seconds(5) } ?? start + .seconds(300) }
                guard ContinuousClock.now < end, !Task.isCancelled else {
                    return self.journal.say(
                        "\(worker): what it held could not be given back (\(error)); other workers take it when its lease is over"
                    )
                }
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
        }
    }
}

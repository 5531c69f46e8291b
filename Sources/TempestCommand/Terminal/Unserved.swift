// What is said of a queue that nobody serves: a mistyped name would otherwise be found only when the time is over.

import Tempest

extension TempestClient {
    /// Makes the queue known to operators, and says on standard error if no worker of tier 1 or above serves it now.
    func announceLoudly(_ queue: String, _ level: Level) async {
        await announce(queue, level)
        guard let name = try? QueueName(queue), let statistics = try? await statistics(name), statistics.processes == 0 else {
            return
        }
        StandardError.say("No worker serves the queue \(name) now; the job waits for one. (A bare BLPOP is not seen.)")
    }
}

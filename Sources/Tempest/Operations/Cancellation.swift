// Cancelling: a job that waits is skipped when its turn comes, one that runs is told. Before it: somebody who has the job's id. After it:
// workers, which ask before they start a job and listen while it runs.

public import TempestProtocol
import TempestRedis

extension TempestClient {
    /// Cancels the job of this id: where it waits it is skipped when its turn comes, where it runs its handler is cancelled.
    ///
    /// Nobody looks whether there is such a job. Redis remembers the cancellation for `time` (1 ms to 30 days): a job whose turn
    /// comes later runs after all. Workers of tier 0 and 1 do not know of it.
    ///
    /// Returns how many workers were listening, and are told at once. Throws ``RedisError``.
    @discardableResult
    public func cancel(job: JobID, queue: QueueName, for time: Duration = .seconds(7 * 86_400)) async throws -> Int {
        let milliseconds = time.milliseconds
        guard (1...Self.longestCancellation).contains(milliseconds) else {
            throw RedisError(.badArgument, "a cancellation is remembered for 1 ms to 30 days, not \(time)")
        }
        guard EnvelopeText.isPlain(job.description, longest: Job.longestID) else {
            throw RedisError(
                .badArgument, "a job id has 1 to \(Job.longestID) bytes without control characters: none other can be cancelled")
        }
        let command = RedisCommand.fcall(
            FunctionLibrary.cancel, key: queue.description, [.init(job.description), .init(milliseconds)])
        return Int(try await FunctionLoader.call(command, on: redis).integer ?? 0)
    }

    /// In milliseconds.
    static let longestCancellation: Int64 = 30 * 86_400_000
}

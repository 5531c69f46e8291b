// The handlers that run now in one worker on one queue: so that one of them can be cancelled by its job's id or its time-out, and people
// can see what a worker is at. Before it: a decoded job. Beside it: the ledger, which knows claims, not handlers.

import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol

final class RunningJobs: Sendable {
    /// Why a handler was told to stop before its time.
    enum Stop {
        /// Somebody cancelled the job.
        case cancelled
        /// Its run took longer than it may.
        case timeout
        /// The job is not this worker's any more.
        case lost
    }

    private struct Entry: Sendable {
        var job: JobID
        var action: String
        var level: Level
        /// By this process's wall clock, for people: milliseconds since 1970.
        var started: UInt64
        var stop: Stop?
        /// Used by others only under the lock and while the entry stands, which the task removes before it ends.
        nonisolated(unsafe) let task: UnsafeCurrentTask
    }

    /// How many of them a note names.
    private static let noted = 20

    private let entries = Mutex<[String: Entry]>([:])
    private let lastNote = Mutex<[UInt8]>([])

    /// Runs a handler's task under the name of its claim; tells afterwards whether it had been told to stop.
    func track<R>(
        _ field: String, _ job: Job, _ level: Level, timeout: TimeAmount?, on loop: any EventLoop, _ body: () async -> R
    ) async -> (R, Stop?) {
        // A task of a group has no handle by which it alone could be cancelled; one beside it for each job would cost as much again.
        withUnsafeCurrentTask { task in
            let entry = Entry(
                job: job.id, action: job.action, level: level, started: WallClock.milliseconds(), stop: nil, task: task!)
            entries.withLock { $0[field] = entry }
        }
        let alarm = timeout.map { loop.scheduleTask(in: $0) { self.stop(field, .timeout) } }
        let result = await body()
        alarm?.cancel()
        let stop = entries.withLock { $0.removeValue(forKey: field)?.stop }
        return (result, stop)
    }

    /// Tells the handlers of a job to stop; how many there were.
    @discardableResult
    func cancel(_ job: String) -> Int {
        let fields = entries.withLock { entries in entries.filter { "\($0.value.job)" == job }.keys.map { $0 } }
        for field in fields { stop(field, .cancelled) }
        return fields.count
    }

    /// Nothing that still runs is ours any more.
    func stopAll() {
        for field in entries.withLock({ Array($0.keys) }) { stop(field, .lost) }
    }

    private func stop(_ field: String, _ reason: Stop) {
        entries.withLock { entries in
            guard let entry = entries[field], entry.stop == nil else { return }
            entries[field]?.stop = reason
            entry.task.cancel()
        }
    }

    /// What runs, for people (protocol/queues.md, "Notes"): nil when it is what the last note said.
    func note() -> [UInt8]? {
        let (count, oldest) = entries.withLock { entries in
            (entries.count, entries.values.map { ($0.job, $0.action, $0.level, $0.started) })
        }
        let running: [Value] = oldest.sorted { $0.3 < $1.3 }.prefix(Self.noted).map { job, action, level, started in
            .array([.text("\(job)"), .text(action), .text("\(level)"), .int(Int64(started))])
        }
        let note: Value = ["running": .array(running), "count": .int(Int64(count))]
        guard let bytes = try? JSONCodec().encode(note) else { return nil }
        return lastNote.withLock { last in
            defer { last = bytes }
            return last == bytes ? nil : bytes
        }
    }

    /// The next note is sent whatever the last one said: Redis has forgotten it.
    func forgetNote() { lastNote.withLock { $0 = [] } }
}

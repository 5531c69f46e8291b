// The handlers that run now in one worker on one queue: so that one of them can be cancelled by its job's id or its time-out, and people
// can see what a worker is at. Before it: a decoded job. Beside it: the ledger, which knows claims, not handlers.

import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol

final class RunningJobs: Sendable {
    /// Why a handler was told to stop before its time.
    enum Stop { case cancelled, timeout }

    private struct Entry {
        var job: JobID
        var action: String
        var level: Level
        /// By this process's wall clock, for people: milliseconds since 1970.
        var started: UInt64
        var stop: Stop?
        /// Valid as long as the entry stands: the task removes it before it ends.
        var task: UnsafeCurrentTask
    }

    /// How many of them a note names.
    private static let noted = 20

    private let entries = Mutex<[String: Entry]>([:])
    private let lastNote = Mutex<[UInt8]>([])

    /// Runs a handler's task under the name of its claim; tells afterwards whether it had been told to stop.
    func track<R>(
        _ field: String, _ job: Job, _ level: Level, timeout: TimeAmount?, on loop: any EventLoop, _ body: () async -> R
    ) async -> (R, Stop?) {
        await withUnsafeCurrentTask { task in
            // Used by others only under the lock and only while the entry stands, that is: while this closure runs.
            nonisolated(unsafe) let task = task!
            let started = WallClock.milliseconds()
            entries.withLock {
                $0[field] = Entry(job: job.id, action: job.action, level: level, started: started, stop: nil, task: task)
            }
            let alarm = timeout.map { loop.scheduleTask(in: $0) { self.stop(field, .timeout) } }
            let result = await body()
            alarm?.cancel()
            let stop = entries.withLock { $0.removeValue(forKey: field)?.stop }
            return (result, stop)
        }
    }

    /// Tells the handlers of a job to stop; how many there were.
    @discardableResult
    func cancel(_ job: String) -> Int {
        let fields = entries.withLock { entries in entries.filter { "\($0.value.job)" == job }.keys.map { $0 } }
        for field in fields { stop(field, .cancelled) }
        return fields.count
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

// The handlers that run now in one worker on one queue: so that one of them can be cancelled by its job's id or its time-out, and people
// can see what a worker is at. Before it: a decoded job. Beside it: the ledger, which knows claims, not handlers.

import Dispatch
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

    /// A handler's task as others may cancel it: until `track` takes it away, which it does before the task ends.
    private final class Handle: Sendable {
        private struct State: Sendable {
            nonisolated(unsafe) var task: UnsafeCurrentTask?
        }

        private let state: Mutex<State>

        init(_ task: UnsafeCurrentTask) {
            let state = State(task: task)
            self.state = Mutex(state)
        }

        func cancel() { state.withLock { $0.task?.cancel() } }
        func end() { state.withLock { $0.task = nil } }
    }

    private struct Entry: Sendable {
        var job: JobID
        var action: String
        var level: Level
        /// By this process's wall clock, for people: milliseconds since 1970.
        var started: UInt64
        var stop: Stop?
        var handle: Handle
    }

    /// How many of them a note names.
    private static let noted = 20

    private struct State {
        var entries: [String: Entry] = [:]
        /// Ids that were cancelled lately: their jobs may be on their way here from a claim.
        var cancelled: Set<String> = []
        var order: [String] = []
        /// The incarnation is over: nothing begins any more.
        var isOver = false
    }

    /// How many cancelled ids are remembered.
    private static let remembered = 1024

    private let state = Mutex(State())
    private let lastNote = Mutex<[UInt8]>([])

    /// Runs a handler's task under the name of its claim; tells afterwards whether it had been told to stop. nil: it was so before it had
    /// begun, and did not run.
    func track<R>(
        _ field: String, _ job: Job, _ level: Level, timeout: TimeAmount?, on loop: any EventLoop, _ body: () async -> R
    ) async -> (R?, Stop?) {
        // A task of a group has no handle by which it alone could be cancelled; one beside it for each job would cost as much again.
        let handle = withUnsafeCurrentTask { Handle($0!) }
        let entry = Entry(
            job: job.id, action: job.action, level: level, started: WallClock.milliseconds(), stop: nil, handle: handle)
        let refusal = state.withLock { state -> Stop? in
            if state.isOver { return .lost }
            if !state.cancelled.isEmpty, state.cancelled.contains("\(job.id)") { return .cancelled }
            state.entries[field] = entry
            return nil
        }
        if let refusal { return (nil, refusal) }
        let alarm = timeout.map { loop.scheduleTask(in: $0) { self.stop([field], .timeout) } }
        let result = await body()
        alarm?.cancel()
        handle.end()
        let stop = state.withLock { $0.entries.removeValue(forKey: field)?.stop }
        return (result, stop)
    }

    /// Tells the handlers of a job to stop; how many there were.
    @discardableResult
    func cancel(_ job: String) -> Int {
        let fields = state.withLock { state in
            if state.cancelled.insert(job).inserted { state.order.append(job) }
            if state.order.count > Self.remembered { state.cancelled.remove(state.order.removeFirst()) }
            return state.entries.filter { "\($0.value.job)" == job }.keys.map { $0 }
        }
        stop(fields, .cancelled)
        return fields.count
    }

    /// Nothing that still runs is ours any more, and nothing begins.
    func stopAll() {
        let fields = state.withLock { state in
            state.isOver = true
            return Array(state.entries.keys)
        }
        stop(fields, .lost)
    }

    private func stop(_ fields: [String], _ reason: Stop) {
        let handles = state.withLock { state in
            fields.compactMap { field -> Handle? in
                guard let entry = state.entries[field], entry.stop == nil else { return nil }
                state.entries[field]?.stop = reason
                return entry.handle
            }
        }
        guard !handles.isEmpty else { return }
        // Whoever is cancelled may do something about it at once (`onCancel`), and for long: not on the thread that beats.
        DispatchQueue.global().async { for handle in handles { handle.cancel() } }
    }

    /// What runs, for people (protocol/queues.md, "News, control and nodes"): nil when it is what the last note said.
    func note() -> [UInt8]? {
        let (count, oldest) = state.withLock { state in
            (state.entries.count, state.entries.values.map { ($0.job, $0.action, $0.level, $0.started) })
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

// Jobs that this node has pushed and nobody has answered: those that a node takes out of its queues again before it goes. Part of
// DirectInbox' state.

import TempestProtocol

/// Workers of the original end when the address that they are to answer to is dead, so that no job may outlive its caller.
struct UnansweredJobs {
    struct Job: Equatable {
        let id: Int64
        let queue: QueueName
        let level: Level
        /// As it was pushed, byte for byte.
        let payload: [UInt8]
    }

    /// Bytes of payloads that are remembered at most.
    private static let mostBytes = 64 << 20

    private var jobs: [Int64: Job] = [:]
    private var bytes = 0
    /// No job before it is remembered.
    private var oldest: Int64 = 0

    var count: Int { jobs.count }

    /// Ids are counted upwards. Beyond the limit the oldest are forgotten: by then somebody has taken them, or nobody ever will.
    mutating func add(_ job: Job) {
        if jobs.isEmpty { oldest = job.id }
        jobs[job.id] = job
        bytes += job.payload.count
        while bytes > Self.mostBytes, oldest < job.id {
            remove(oldest)
            oldest += 1
        }
    }

    /// Somebody has taken it from the queue.
    mutating func remove(_ id: Int64) {
        if let job = jobs.removeValue(forKey: id) { bytes -= job.payload.count }
    }

    /// All, the oldest first, as they stand in their queues. None is left.
    mutating func takeAll() -> [Job] {
        defer { (jobs, bytes) = ([:], 0) }
        return jobs.values.sorted { $0.id < $1.id }
    }
}

// How a work loop begins what it has claimed: quick handlers at once and here, the others on the pool. Before it: a claim's reply. After it:
// JobEnd.

import TempestProtocol

extension QueueRunner {
    /// Begins claimed jobs. A few are begun on the event loop, where they came in and where their answers go out, because a change of
    /// threads would cost more than they do; many on the pool, while the event loop reads the next.
    func begin(_ claimed: ArraySlice<ClaimedJob>, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup) async {
        guard claimed.count > Self.few else { return start(claimed, end, &jobs) }
        await withTaskExecutorPreference(globalConcurrentExecutor) { start(claimed, end, &jobs, onPool: true) }
    }

    /// Begins claimed jobs, each of which has a slot. Those of quick handlers run here, one after the other; the rest on the pool.
    ///
    /// - Parameter onPool: runs on a thread that may take its time; on the event loop, what is left after a turn goes to the pool.
    func start(_ claimed: ArraySlice<ClaimedJob>, _ end: JobEnd, _ jobs: inout DiscardingTaskGroup, onPool: Bool = false) {
        guard !claimed.isEmpty else { return }
        ledger.enter(claimed.lazy.map(\.claim))
        note(claimed)
        // What ends meanwhile is settled together.
        ledger.cork()
        defer { ledger.uncork() }
        var turnEnd = ContinuousClock.now + Self.turn
        var isLate = false
        var quick: [RunningJob] = []
        var once: [RunningJob] = []
        for job in claimed {
            guard job.payload.count <= Self.readHere else {
                jobs.addTask(executorPreference: globalConcurrentExecutor) { await end.carryOut(job) }
                continue
            }
            switch end.run.begin(job, end: end) {
            case .over(let envelope?, let outcome, _) where outcome.isUnknown && !job.mayBeCancelled:
                // In a queue that two programs share this is every other job.
                end.putAside(envelope, job.claim, outcome)
            case .over(let envelope, let outcome, let journey):
                jobs.addTask(executorPreference: globalConcurrentExecutor) {
                    await end.over(envelope, outcome, journey, job)
                }
            case .running(let running) where running.rules.once: once.append(running)
            case .running(let running):
                guard !isLate, running.handler.pace.isQuick else {
                    jobs.addTask(executorPreference: globalConcurrentExecutor) { await end.carryOut(running) }
                    continue
                }
                quick.append(running)
                if quick.count == QuickJobs.most {
                    QuickJobs(quick, end).run(in: &jobs)
                    quick.removeAll(keepingCapacity: true)
                    let now = ContinuousClock.now
                    guard now > turnEnd else { continue }
                    turnEnd = now + Self.turn
                    isLate = !onPool
                    // Nor do those that have ended wait for the last of them.
                    ledger.uncork()
                    ledger.cork()
                }
            }
        }
        if !once.isEmpty { startOnce(once, end, &jobs) }
        if !quick.isEmpty { QuickJobs(quick, end).run(in: &jobs) }
    }

    /// Counts claimed jobs, which mostly stand level by level.
    private func note(_ claimed: ArraySlice<ClaimedJob>) {
        guard var level = claimed.first?.claim.level else { return }
        var count = 0
        func add() { counters.add(count, to: MetricName.claimed, ["queue": queue.description, "level": level.description]) }
        for job in claimed {
            if job.claim.level != level {
                add()
                (level, count) = (job.claim.level, 0)
            }
            count += 1
        }
        add()
    }

    private static let few = 32
    /// For how long the loop runs quick handlers itself before it looks at its queue again,
    private static let turn = Duration.milliseconds(2)
    /// and up to how many bytes it reads payloads itself.
    private static let readHere = 16_384
}
